"""Threads that start at the same moment, and whose errors are not lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Protocol

#: A thread that is not done by then hangs; no operation of a store waits for another for long.
DEADLINE_S = 60


class Race(Protocol):
    """Call a function with 0, 1, … at once, each in a thread of its own; return what they returned, in that order."""

    def __call__(self, function: Callable[[int], Any], racers: int = ...) -> list[Any]: ...


def run_race(function: Callable[[int], Any], racers: int, end_thread: Callable[[], None]) -> list[Any]:
    """Run `function` in `racers` threads from one barrier on; raises the first error that one of them raised."""
    barrier = Barrier(racers)

    def run(racer: int) -> Any:
        try:
            barrier.wait(DEADLINE_S)
            return function(racer)
        finally:
            end_thread()

    with ThreadPoolExecutor(racers, thread_name_prefix="racer") as pool:
        futures = [pool.submit(run, racer) for racer in range(racers)]
        return [future.result(DEADLINE_S) for future in futures]
