"""Where a program is not installed, the tests that start it are left out and say why; with CI=true they fail.

A test says what it starts with the marker `programs`.
"""

import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stores.faults.aliases import own_alias
from tests.stores.faults.programs import problem
from tests.stores.faults.servers import Cluster, Folder

CLUSTER = "cluster"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "programs(*names): starts these programs, which may not be installed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run, unless that must be seen."""
    if os.environ.get("CI") == "true":
        return
    left_out = {item: why for item in items if (why := _problem(item))}
    if not left_out:
        return
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))
    with warnings.catch_warnings():
        # A warning is the one thing that reaches the summary from a process of xdist too; here it is no error.
        warnings.simplefilter("always")
        for why in sorted(set(left_out.values())):
            warnings.warn(pytest.PytestWarning(f"left out in tests/stores/faults: {why}"), stacklevel=1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Reached without a program only with CI=true."""
    why = _problem(item)
    if why:
        pytest.fail(why, pytrace=False)


def _problem(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("programs")
    problems = [problem(name) for name in marker.args] if marker else []
    return next((why for why in problems if why), None)


@pytest.fixture(scope="package")
def cluster(django_db_blocker: Any) -> Iterator[Cluster]:
    """A PostgreSQL of these tests' own, migrated, on the alias CLUSTER in every thread.

    Nothing of pytest-django's handling of databases applies to it, so these tests need no marker for that.
    """
    with Folder() as folder:
        started = Cluster(folder)
        try:
            started.start()
            started.migrate()
            with django_db_blocker.unblock(), own_alias(CLUSTER, **started.settings):
                yield started
        finally:
            started.stop_at_once()
