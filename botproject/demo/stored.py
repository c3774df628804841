"""What the database holds of the demo's workspace. Django must be set up before this is imported."""

from datetime import datetime

from botstate import exact_json
from botstate.conf import get_settings
from botstate.models import ActionSnapshot, Delivery, Receipt, Thread, ThreadState, Turn
from botstate.types import Json


class Stored:
    """Reads the rows of one workspace; nothing is kept between two questions."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._using = get_settings().database

    def counts(self) -> dict[str, int]:
        """Return how many receipts, threads and turns there are."""
        return {
            "receipts": Receipt.objects.using(self._using).filter(workspace=self._workspace).count(),
            "threads": Thread.objects.using(self._using).filter(workspace=self._workspace).count(),
            "turns": len(self.turns()),
        }

    def threads(self) -> list[Thread]:
        """Return the threads, oldest first."""
        return list(Thread.objects.using(self._using).filter(workspace=self._workspace).order_by("pk"))

    def turns(self) -> list[Turn]:
        """Return the turns in the order in which they were accepted."""
        turns = Turn.objects.using(self._using).filter(thread__workspace=self._workspace)
        return list(turns.order_by("thread", "sequence"))

    def ended_turn(self, number: int) -> Turn | None:
        """Return turn `number`, counted from 1, once it has ended, its messages are out and its thread is at rest."""
        turns = self.turns()
        deliveries = Delivery.objects.using(self._using).filter(thread__workspace=self._workspace)
        is_at_rest = all(thread.ring_us is None for thread in self.threads())
        if len(turns) < number or not is_at_rest or deliveries.filter(status=Delivery.Status.WAITING).exists():
            return None
        turn = turns[number - 1]
        return None if turn.status in Turn.OPEN else turn

    def deliveries(self) -> list[Delivery]:
        """Return the messages that turns posted, in the order in which they go out."""
        deliveries = Delivery.objects.using(self._using).filter(thread__workspace=self._workspace)
        return list(deliveries.order_by("id"))

    def actions(self) -> list[ActionSnapshot]:
        """Return the controls of all posted messages."""
        actions = ActionSnapshot.objects.using(self._using).filter(thread__workspace=self._workspace)
        return list(actions.order_by("pk"))

    def state_row(self) -> ThreadState | None:
        """Return the state of the workspace's only thread as it is stored."""
        return ThreadState.objects.using(self._using).filter(thread__workspace=self._workspace).first()

    def state(self) -> dict[str, Json]:
        """Return the fields of that state; {} where none is stored."""
        row = self.state_row()
        return {} if row is None else dict(exact_json.loads(row.value))


def clock_time(at: datetime | None) -> str:
    """Return a time as an operator's clock shows it, to the millisecond; "" for None."""
    return "" if at is None else f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1_000:03d}"
