"""Fixtures that every test may use."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import connection

from botstate import Bot
from botstate.actions.resolving import hot_controls
from botstate.runtime.registry import bots


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about another kind of database than this run's."""
    fitting = [item for item in items if _fits(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(fitting)])
    items[:] = fitting


def _fits(item: pytest.Item) -> bool:
    needed = item.get_closest_marker("needs")
    return needed is None or connection.vendor in needed.args


#: What `migrate` fills, and no test changes.
KEPT_TABLES = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Let a test that commits leave empty tables in a fiftieth of the time that Django's `flush` takes.

    On PostgreSQL that is to truncate two dozen tables, everywhere to make content types and permissions anew.
    """

    def sql_flush(style: Any, connection: Any, **options: Any) -> list[str]:
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        tables = [name for name in names if name not in KEPT_TABLES]
        if connection.vendor == "postgresql":
            return [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]
        statements: list[str] = connection.ops.sql_flush(style, tables, **options)
        return statements

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", sql_flush)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *arguments, **options: None)
        yield


@pytest.fixture
def make_bot() -> Iterator[Callable[..., Bot]]:
    """Make bots that are forgotten after the test. The settings' Slack app belongs to the one named helper."""
    made: list[str] = []

    def make(name: str = "helper", **options: Any) -> Bot:
        bots.remove(name)
        made.append(name)
        return Bot(name, **options)

    yield make
    for name in made:
        bots.remove(name)
    hot_controls.clear()
