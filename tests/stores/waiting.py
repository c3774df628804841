"""Threads that wait for a row lock, and how to see that they do."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

DEADLINE_S = 20


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until `is_so`; fail if that takes too long."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, f"within {DEADLINE_S} s it did not come to this: {what}"
        time.sleep(0.005)


def lock_waiters() -> int:
    """Return how many sessions of the test database wait for a lock (PostgreSQL)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


@contextmanager
def other_threads(most: int = 32) -> Iterator[Callable[..., "Future[Any]"]]:
    """Give a function that calls another one in a thread of its own, with a connection of its own."""

    def call(function: Callable[..., Any], *args: Any) -> Any:
        try:
            return function(*args)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(most) as pool:
        yield lambda function, *args: pool.submit(call, function, *args)
