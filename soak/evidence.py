"""What is known after a run, from everybody who saw a part of it; plain values, no I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from soak.errands import Errand, State


@dataclass(frozen=True)
class Attempt:
    """A handler's own record, in seconds of the machine's monotonic clock; `ended` is None if it was killed."""

    name: str
    attempt: int
    pid: int
    started: float
    ended: float | None = None
    superseded: bool = False


@dataclass(frozen=True)
class StoredTurn:
    """A turn's row at the end of the run, by the errand that it was for."""

    id: int
    thread_id: int
    errand: Errand
    status: str


@dataclass(frozen=True)
class StoredPost:
    """A delivery's row at the end of the run, by its text."""

    id: int
    text: str
    status: str


@dataclass(frozen=True)
class Call:
    """One chat.postMessage that the workspace acknowledged."""

    text: str
    at: float


@dataclass(frozen=True)
class Entry:
    """One committed change of a row of the database, in the order of `id`; for one row that is the order of changes.

    kind: "turn", "delivery" or "lease". row_id: the row's; a lease's is its thread's. status: a lease's is "held" or
    "free". at_us: the database's clock after the row's lock was obtained.
    """

    id: int
    kind: str
    row_id: int
    thread_id: int
    status: str
    attempts: int = 0
    fence: int = 0
    expires_us: int = 0
    at_us: int = 0


@dataclass(frozen=True)
class Evidence:
    """Everything that the checks look at.

    accepted: the errands that were answered with 200, in the order of the answers within each thread. states: by the
    number of the thread. at_most_once: the numbers of the threads whose bot sends at most once.
    """

    accepted: Sequence[Errand] = ()
    attempts: Sequence[Attempt] = ()
    turns: Sequence[StoredTurn] = ()
    states: Mapping[int, State] = field(default_factory=dict)
    posts: Sequence[StoredPost] = ()
    calls: Sequence[Call] = ()
    journal: Sequence[Entry] = ()
    at_most_once: Collection[int] = ()
