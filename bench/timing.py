"""Interleaved rounds, and what is made of their times.

Within a round every contestant has its turn again and again, in small blocks (A B C A B C), so that a machine that
gets slower gets slower for all. The garbage collector is off while a block runs.
"""

import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

ROUNDS = 3
BLOCKS = 16
CALLS = 25
WARM_UP_CALLS = 30


class Contestant(Protocol):
    """Runs an operation; `prepare` and `finish` are not timed."""

    def prepare(self, operation: str, callers: int, calls: int) -> None:
        """Get ready for `calls` calls by each of `callers` callers at once."""

    def run(self) -> list[float]:
        """Make them, and return how many microseconds each took; nothing where there is more than one caller."""

    def finish(self) -> None:
        """Leave things as they were."""


@dataclass
class Times:
    """The times of one contestant, in microseconds, by round."""

    rounds: list[list[float]] = field(default_factory=list)

    @property
    def medians(self) -> list[float]:
        """One median per round."""
        return [statistics.median(times) for times in self.rounds]

    @property
    def median(self) -> float:
        """The median of the rounds' medians."""
        return statistics.median(self.medians)

    @property
    def p99(self) -> float:
        """The 99th percentile of all."""
        return statistics.quantiles([time for times in self.rounds for time in times], n=100)[98]

    def ratio_to(self, other: "Times") -> float:
        """The median of the rounds' ratios, each of two medians of the same round."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.medians, other.medians, strict=True))


def measure(operation: str, contestants: Sequence[Contestant], rounds: int = ROUNDS) -> list[Times]:
    """Time one caller's calls of `operation` on each contestant, in the same order as they are given."""
    for contestant in contestants:
        _block(contestant, operation, 1, WARM_UP_CALLS)
    results = [Times() for _ in contestants]
    for _ in range(rounds):
        for result in results:
            result.rounds.append([])
        for _ in range(BLOCKS):
            for contestant, result in zip(contestants, results, strict=True):
                result.rounds[-1] += _block(contestant, operation, 1, CALLS)[1]
    return results


def measure_throughput(
    operation: str, contestants: Sequence[tuple[Contestant, int]], rounds: int = ROUNDS, calls: int = 100
) -> list[list[float]]:
    """Return each contestant's calls per second by round, with as many callers at once as stand beside it."""
    for contestant, callers in contestants:
        _block(contestant, operation, callers, WARM_UP_CALLS)
    results: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for (contestant, callers), result in zip(contestants, results, strict=True):
            seconds = _block(contestant, operation, callers, calls)[0]
            result.append(callers * calls / seconds)
    return results


@contextmanager
def undisturbed() -> Iterator[None]:
    """Collect garbage now, and not inside."""
    gc.collect()
    # What has survived needs no look the next time, which would be long enough to cool the caches.
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _block(contestant: Contestant, operation: str, callers: int, calls: int) -> tuple[float, list[float]]:
    contestant.prepare(operation, callers, calls)
    with undisturbed():
        begun = time.perf_counter()
        times = contestant.run()
        seconds = time.perf_counter() - begun
    contestant.finish()
    return seconds, times
