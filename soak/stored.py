"""What the database holds of a run, and whether anything is left to do. Django must be set up before the import."""

from dataclasses import dataclass

from botstate import exact_json
from botstate.contracts.events import Event
from botstate.models import Delivery, Thread, ThreadState, Turn
from soak.errands import Errand, State
from soak.evidence import StoredPost, StoredTurn

#: How a post can end.
ENDED = (Delivery.Status.SENT, Delivery.Status.FAILED)


@dataclass(frozen=True)
class Open:
    """What is still to be done."""

    turns: int
    posts: int
    threads: int

    def __bool__(self) -> bool:
        return bool(self.turns or self.posts or self.threads)

    def __str__(self) -> str:
        return f"{self.turns} turns, {self.posts} posts and {self.threads} threads to ring for"


def count_open() -> Open:
    """Return how much is still to be done."""
    return Open(
        Turn.objects.open().count(),
        Delivery.objects.exclude(status__in=ENDED).count(),
        Thread.objects.exclude(ring_us=None).count(),
    )


def read_turns() -> list[StoredTurn]:
    """Return every turn."""
    return [StoredTurn(turn.pk, turn.thread_id, _errand(turn), turn.status) for turn in Turn.objects.order_by("pk")]


def read_posts() -> list[StoredPost]:
    """Return every post."""
    deliveries = Delivery.objects.order_by("pk")
    return [StoredPost(row.pk, exact_json.loads(row.payload)["text"], row.status) for row in deliveries]


def read_states(turns: list[StoredTurn]) -> dict[int, State]:
    """Return the states by the numbers of the threads that `turns` belong to."""
    numbers = {turn.thread_id: turn.errand.thread for turn in turns}
    rows = ThreadState.objects.filter(pk__in=numbers)
    return {numbers[row.pk]: exact_json.loads(row.value) for row in rows}


def _errand(turn: Turn) -> Errand:
    return Errand.from_text(str(Event.from_json(exact_json.loads(turn.event)).data["text"]))
