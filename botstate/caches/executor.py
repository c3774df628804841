"""A background thread that runs a cache's calls to its store, one after another.

A thread of its own, because a caller cannot be kept from hanging otherwise; because a call there joins no transaction
of the caller's, which its failure would break; and because an event loop must not be blocked.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition, Thread, current_thread
from typing import Any

from django.db import connections

#: A thread that had nothing to do for so long ends, and gives back its database connections.
IDLE_S = 5.0
#: How many calls may wait.
MAX_WAITING = 1_000
#: How many threads may be left behind, at any pace, in calls that do not return.
MAX_ABANDONED = 4
#: Beyond these one more may be, once none was for so long: those calls may never return, behind a network that dropped
#: their packets, although new ones would be answered.
ONE_MORE_AFTER_S = 60.0
#: How many may hang in all. No thread can be ended from outside, and each may hold a connection.
MAX_HANGING = 32

Job = tuple[Callable[[], Any], "Future[Any]"]


class OverloadedError(Exception):
    """There are too many calls that wait, or threads that hang."""


class AbandonedError(Exception):
    """The call was left behind; whether it takes effect later is not known."""


class StoreExecutor:
    """Runs calls in the order in which they were submitted, and one call at a set time. Starts its thread when needed.

    A thread that hangs can be left behind; from then on `is_current` is False there. A forked child has none of it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a forked child must."""
        self._changed = Condition()
        self._jobs: deque[Job] = deque()
        self._thread: Thread | None = None
        #: The call that runs, and since when.
        self._running: tuple[float, Future[Any]] | None = None
        self._due: tuple[float, Callable[[], Any]] | None = None
        self._was_due = False
        #: How many threads were left behind and have not returned, and when the last one was.
        self._abandoned = 0
        self._abandoned_at = 0.0
        self._is_closing = False

    def submit(self, call: Callable[[], Any]) -> "Future[Any]":
        """Let the thread make a call. Raises OverloadedError, and RuntimeError where no thread can be started."""
        future: Future[Any] = Future()
        with self._changed:
            if len(self._jobs) >= MAX_WAITING:
                raise OverloadedError(f"{MAX_WAITING} calls are waiting")
            self._ensure_thread()
            self._jobs.append((call, future))
            self._changed.notify_all()
        return future

    def call_at(self, due: float, call: Callable[[], Any]) -> None:
        """Let the thread make a call at `due` by the monotonic clock, in place of one that waits for its time.

        Where no thread can be started, it is made once there is one.
        """
        with self._changed:
            is_new = self._due != (due, call)
            self._due = (due, call)
            self._try_to_ensure_thread()
            if is_new:
                self._changed.notify_all()

    def busy_for(self) -> float:
        """Return for how many seconds the present call has been running; 0.0 for none."""
        running = self._running
        return 0.0 if running is None else time.monotonic() - running[0]

    def is_current(self) -> bool:
        """True on the thread that makes the calls; False on one that was left behind."""
        return current_thread() is self._thread

    def abandon(self, least_s: float) -> bool:
        """Leave the thread behind in a call that has been running for at least so long; True if there is one.

        That call's future fails, and the calls that wait behind it are cancelled.
        """
        with self._changed:
            if self._running is None or self.busy_for() < least_s:
                return False
            _, hanging = self._running
            self._abandoned += 1
            self._abandoned_at = time.monotonic()
            self._thread = None
            self._running = None
            given_up, self._jobs = self._jobs, deque()
            if self._due is not None:
                self._try_to_ensure_thread()
            self._changed.notify_all()
        hanging.set_exception(AbandonedError())
        for _, future in given_up:
            future.cancel()
        return True

    def close(self, timeout_s: float) -> bool:
        """Let the thread make the calls that wait or are due, and end; True if it did within `timeout_s`.

        It ends later otherwise. The next call starts another one.
        """
        with self._changed:
            thread = self._thread
            self._is_closing = True
            self._changed.notify_all()
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        if not self._may_start_thread():
            raise OverloadedError(f"{self._abandoned} threads hang in calls to the store")
        thread = Thread(target=self._run, name=f"botstate-{self._name}", daemon=True)
        thread.start()
        self._thread = thread
        self._is_closing = False

    def _may_start_thread(self) -> bool:
        if self._abandoned < MAX_ABANDONED:
            return True
        return self._abandoned < MAX_HANGING and time.monotonic() - self._abandoned_at >= ONE_MORE_AFTER_S

    def _try_to_ensure_thread(self) -> None:
        with suppress(OverloadedError, RuntimeError):
            self._ensure_thread()

    def _run(self) -> None:
        try:
            while self._run_next():
                pass
        finally:
            _close_connections()

    def _run_next(self) -> bool:
        """Make one call; False once the thread is to end."""
        with self._changed:
            job = self._take()
            if job is None:
                if self._thread is current_thread():
                    self._thread = None
                return False
            call, future = job
            if not future.set_running_or_notify_cancel():
                return True
            self._running = (time.monotonic(), future)
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:
            error = raised
            # What broke is not used again; and nothing is held while the store is left alone.
            _close_connections()
        with self._changed:
            if self._thread is not current_thread():
                self._abandoned -= 1
                if self._due is not None:
                    self._try_to_ensure_thread()
                return False
            self._running = None
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
        return True

    def _take(self) -> Job | None:
        """Wait for a call; None where there is none for long, or the thread is not the one any more."""
        idle_until = time.monotonic() + IDLE_S
        while self._thread is current_thread():
            now = time.monotonic()
            # What is due takes turns with what was submitted, so that neither keeps the other waiting.
            if self._due is not None and self._due[0] <= now and not (self._jobs and self._was_due):
                _, call = self._due
                self._due = None
                self._was_due = True
                return call, Future()
            self._was_due = False
            if self._jobs:
                return self._jobs.popleft()
            if self._is_closing or (self._due is None and now >= idle_until):
                return None
            self._changed.wait((idle_until if self._due is None else self._due[0]) - now)
        return None


def _close_connections() -> None:
    with suppress(Exception):
        connections.close_all()
