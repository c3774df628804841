"""Errands: the events of a run, what a handler does for each, and what comes of doing them one after another."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

#: Most errands take a few milliseconds; some take longer, so that a killed worker is found at work.
SHORT_MS, LONG_MS = (1, 12), (100, 400)
LONG_EVERY = 6
#: One in so many takes longer than a lease, so that leases have to be renewed.
SLOW_EVERY = 100
POSTS = "abc"
#: One thread in so many belongs to the bot that sends at most once.
AT_MOST_ONCE_EVERY = 2


@dataclass(frozen=True)
class Errand:
    """Event number `number` of thread number `thread`, both from 1: works so long, then posts so many messages."""

    thread: int
    number: int
    work_ms: int = 1
    posts: int = 1

    @property
    def name(self) -> str:
        """What every trace of it begins with."""
        return f"{self.thread:03d}-{self.number:03d}"

    @property
    def text(self) -> str:
        """The text of the message that asks for it; `from_text` reads it."""
        return f"{self.name} {self.work_ms} {self.posts}"

    @property
    def post_texts(self) -> list[str]:
        """The texts of its posts."""
        return [f"{self.name} {letter}" for letter in POSTS[: self.posts]]

    @classmethod
    def from_text(cls, text: str) -> "Errand":
        """Return the errand that a message asks for."""
        name, work_ms, posts = text.split()
        thread, number = name.split("-")
        return cls(int(thread), int(number), int(work_ms), int(posts))


def is_at_most_once(thread: int) -> bool:
    """True if the thread belongs to the bot that sends at most once."""
    return thread % AT_MOST_ONCE_EVERY == 0


def plan_errands(seed: int, events: int, threads: int, slow_ms: int = 0) -> list[list[Errand]]:
    """Return each thread's errands in order. slow_ms: how long the slow ones take; 0 for none."""
    rng = random.Random(f"errands {seed}")
    planned: list[list[Errand]] = [[] for _ in range(threads)]
    for count in range(events):
        thread = count % threads
        work_ms = rng.randint(*(LONG_MS if rng.randrange(LONG_EVERY) == 0 else SHORT_MS))
        if rng.randrange(SLOW_EVERY) == 0:
            work_ms = slow_ms or work_ms
        posts = rng.choices([1, 2, 0], [8, 1, 1])[0]
        planned[thread].append(Errand(thread + 1, len(planned[thread]) + 1, work_ms, posts))
    return planned


def advance(state: State, errand: Errand) -> State:
    """Return a thread's state after one more errand: another order, or one more or less, gives another state."""
    chain = (state.get("chain", 7) * 31 + errand.number) % 1_000_003
    return {"ran": [*state.get("ran", []), errand.number], "chain": chain}


def serial_state(errands: Iterable[Errand]) -> State:
    """Return what running the errands one after another leaves."""
    state: State = {}
    for errand in errands:
        state = advance(state, errand)
    return state
