"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.02

T = TypeVar("T")


class StoryEnded(RuntimeError):  # noqa: N818 - it is named for what happened
    """The story cannot go on; the message says why."""


class Overdue(StoryEnded):
    """What was waited for did not come in time."""


def wait_until(condition: Callable[[], T | None], what: str, within_s: float) -> T:
    """Return the first true value of `condition`, asked every 20 ms. Raises Overdue, naming `what`, at the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Overdue(f"{what}: not within {within_s:g} s")
        time.sleep(POLL_S)
