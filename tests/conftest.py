"""Fixtures that every test may use."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
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
