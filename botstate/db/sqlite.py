"""Waiting for SQLite's one write lock in a way that lets every writer have it."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import OperationalError

from botstate.db.errors import is_retryable

#: Between two looks at a lock that another has; at random, so that no two writers keep missing it in step.
LOOK_AGAIN_S = (0.001, 0.010)

T = TypeVar("T")


def run_when_unlocked(connection: Any, operation: Callable[[], T], within_s: float | None = None) -> T:
    """Run `operation`, whose first effect is to take the write lock, as soon as that is free; return its result.

    connection: one of Django's, open, outside any transaction. Waits for as long as its timeout says (`PRAGMA
    busy_timeout`, the option "timeout" of the settings), at most `within_s`, then raises what SQLite said. SQLite's own
    wait looks only every 0.1 s: of ten writers that keep at it, some wait for five seconds.
    """
    driver = connection.connection
    timeout_ms = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    patience_s = timeout_ms / 1_000 if within_s is None else min(timeout_ms / 1_000, within_s)
    gives_up_at = time.monotonic() + patience_s
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                return operation()
            except OperationalError as error:
                if not is_retryable(error) or time.monotonic() >= gives_up_at:
                    raise
            time.sleep(random.uniform(*LOOK_AGAIN_S))
    finally:
        driver.execute(f"PRAGMA busy_timeout = {timeout_ms}")
