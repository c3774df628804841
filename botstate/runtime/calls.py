"""Calling handlers, def or async def, so that another thread can stop them."""

import asyncio
import inspect
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync

from botstate.runtime.places import place_of_awaited, place_of_thread
from botstate.ui.handlers import call_arguments

#: What stops a function in Celery's prefork pool: its handler raises SoftTimeLimitExceeded in the main thread.
_SOFT_LIMIT_SIGNAL = getattr(signal, "SIGUSR1", None)


class Caller:
    """Calls a turn's handlers, in the thread that made it. `before` is called before each of them.

    `stop` may be called from any thread. It cancels a coroutine, and interrupts a function in Celery's prefork pool, as
    by its soft time limit. Elsewhere nothing can stop a function: it is left alone, and what it still does is not
    stored.
    """

    def __init__(self, before: Callable[[], None]) -> None:
        self._thread_ident = threading.get_ident()
        self._awaited: object = None
        self._before = before
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None

    def call(self, handler: Callable[..., Any], arguments: tuple[Any, ...], bound_args: Any = None) -> None:
        """Call a handler and wait for its end. Raises what it raises."""
        positional, keywords = call_arguments(handler, arguments, bound_args)
        self._before()
        with self._stopped_by(_soft_limit()):
            result = handler(*positional, **keywords)
        if inspect.isawaitable(result):
            self._awaited = result
            try:
                async_to_sync(self._wait_for)(result)
            finally:
                self._awaited = None

    def place(self) -> str:
        """Return where the handler is now, for another thread."""
        return place_of_awaited(self._awaited) or place_of_thread(self._thread_ident)

    def stop(self) -> None:
        """Stop what is being called now, if that can be."""
        with self._lock:
            if self._stop is not None:
                self._stop()

    async def _wait_for(self, result: Awaitable[Any]) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def cancel() -> None:
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        with self._stopped_by(cancel):
            await result

    @contextmanager
    def _stopped_by(self, stop: Callable[[], None] | None) -> Iterator[None]:
        with self._lock:
            self._stop = stop
        try:
            yield
        finally:
            with self._lock:
                self._stop = None


def _soft_limit() -> Callable[[], None] | None:
    """Return what raises SoftTimeLimitExceeded here, or None where this is not the main thread of a prefork child."""
    pool = sys.modules.get("billiard.pool")
    if pool is None or _SOFT_LIMIT_SIGNAL is None or threading.current_thread() is not threading.main_thread():
        return None
    if signal.getsignal(_SOFT_LIMIT_SIGNAL) is not pool.soft_timeout_sighandler:
        return None
    number = _SOFT_LIMIT_SIGNAL
    return lambda: os.kill(os.getpid(), number)
