"""What keeps a failing store away from a cache's users: timeouts, a circuit breaker, counts, one log line per kind."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from threading import Lock
from typing import Any

from botstate.caches.executor import OverloadedError, StoreExecutor

logger = logging.getLogger("botstate.caches")

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 60.0


class StoreFailedError(Exception):
    """The store did not answer; that was counted and logged."""


def was_made(future: "Future[Any]") -> bool:
    """False for a call that has not got as far as the store, and never will."""
    if future.cancelled():
        return False
    error = future.exception() if future.done() else None
    # Without a cause it was not made, because the store is left alone; with one, it may have taken effect all the same.
    return not (isinstance(error, StoreFailedError) and error.__cause__ is None)


class StoreGuard:
    """Makes calls to a store on a thread of its own, each within `timeout_s`.

    After a failure the store is left alone for a pause, which doubles with each further one, from half a second to a
    minute; then the next call tries it again, or `write` does. Nothing but StoreFailedError comes out.
    name: how the log names the cache. write: called on that thread after a pause, and again until it fails or `waiting`
    is no longer true; other calls are made in between.
    """

    def __init__(
        self, name: str, timeout_s: float, write: Callable[[], Any] | None = None, waiting: Callable[[], Any] = bool
    ) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._write = write
        self._waiting = waiting
        self._executor = StoreExecutor(name)
        self.reset()

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self._executor.reset()
        self._lock = Lock()
        self._in_a_row = 0
        self._paused_until = 0.0
        self._logged: set[str] = set()
        #: How often the store has failed, by kind: the error's class, or "Timeout".
        self.failures: Counter[str] = Counter()

    def is_paused(self) -> bool:
        """True while the store is left alone."""
        return time.monotonic() < self._paused_until

    def submit(self, operation: str, call: Callable[[], Any]) -> "Future[Any]":
        """Let the thread make a call. Raises StoreFailedError where the store is left alone, or others wait for it."""
        if self.is_paused():
            if self._waiting():
                # The thread may have been ended meanwhile.
                self.wake()
            raise StoreFailedError
        if self._executor.busy_for() > self._timeout_s:
            # Nobody waits for that call, or somebody is about to give it up.
            self._pause()
            if self._executor.abandon(self._timeout_s):
                self._failed(operation, "Timeout")
            raise StoreFailedError
        try:
            return self._executor.submit(lambda: self._watched(operation, call))
        except OverloadedError as error:
            # It says nothing of the store, which answers those that wait.
            self.count(operation, type(error).__name__)
            raise StoreFailedError from error
        except RuntimeError as error:
            # The process has no thread left to give.
            self._failed(operation, type(error).__name__)
            raise StoreFailedError from error

    def result(self, operation: str, future: "Future[Any]") -> Any:
        """Wait for a call's result, at most for the timeout. Raises StoreFailedError."""
        return self._outcome(operation, future, self._timeout_s)

    async def aresult(self, operation: str, future: "Future[Any]") -> Any:
        """Async twin of `result`. Where the caller's task is cancelled, the call goes on without it."""
        loop = asyncio.get_running_loop()
        answered = asyncio.Event()

        def answer(_: "Future[Any]") -> None:
            # The loop may have been closed before the store answered.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(answered.set)

        future.add_done_callback(answer)
        with suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), self._timeout_s)
        return self._outcome(operation, future, 0)

    def wake(self) -> None:
        """Let `write` be called: now, or after the pause."""
        if self._write is not None:
            self._executor.call_at(self._paused_until, self._write_what_waits)

    def count(self, operation: str, kind: str) -> None:
        """Count a failure, and log the first one of its kind."""
        with self._lock:
            self.failures[kind] += 1
            is_new = kind not in self._logged
            self._logged.add(kind)
        if is_new:
            logger.warning(
                "the cache %s goes on without its store: %s failed with %s; further failures of this kind are counted",
                self._name,
                operation,
                kind,
            )

    def is_current(self) -> bool:
        """True on the thread that makes the calls, unless it was given up."""
        return self._executor.is_current()

    def close(self, timeout_s: float) -> bool:
        """Let the calls that wait be made, and the thread end; True if it did within `timeout_s`.

        Where there is something to write, the store is tried once more, pause or not.
        """
        if self._write is not None and self._waiting():
            self._paused_until = 0.0
            self.wake()
        return self._executor.close(timeout_s)

    def _outcome(self, operation: str, future: "Future[Any]", timeout_s: float) -> Any:
        try:
            return future.result(timeout_s)
        except FutureTimeout as error:
            # A call can raise one itself, which has been counted.
            if not future.done():
                self._give_up(operation, future)
            raise StoreFailedError from error
        except (Exception, CancelledError) as error:
            raise StoreFailedError from error

    def _give_up(self, operation: str, future: "Future[Any]") -> None:
        """Leave a call that hangs behind; it may not be the caller's, which only waits behind it, or behind many."""
        # Before anybody hears of it, who would try again at once.
        self._pause()
        if not self._executor.abandon(self._timeout_s / 2):
            future.cancel()
        self._failed(operation, "Timeout")

    def _watched(self, operation: str, call: Callable[[], Any]) -> Any:
        if self.is_paused():
            # The call before it has failed while this one waited.
            raise StoreFailedError
        try:
            result = call()
        except BaseException as error:
            if self.is_current():
                self._failed(operation, type(error).__name__)
            raise StoreFailedError from error
        if self.is_current():
            self._in_a_row = 0
            self._paused_until = 0.0
            if self._waiting():
                self.wake()
        return result

    def _failed(self, operation: str, kind: str) -> None:
        self._pause()
        self.count(operation, kind)
        self.wake()

    def _pause(self) -> None:
        with self._lock:
            # Of many callers that waited for one answer, the first one's failure begins the pause.
            if not self.is_paused():
                pause = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._in_a_row, 16))
                # Many processes that lost one store must not come back to it in step.
                self._paused_until = time.monotonic() + random.uniform(0.75 * pause, pause)
                self._in_a_row += 1

    def _write_what_waits(self) -> None:
        if self._write is None or not self._waiting():
            return
        if self.is_paused():
            self.wake()
        else:
            self._watched("write", self._write)
