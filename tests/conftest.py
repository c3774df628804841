"""Fixtures that every test may use."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botstate import Bot
from botstate.actions.resolving import hot_controls
from botstate.runtime.registry import bots


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
