"""Running again what ended without having done anything: the dead letters, and what a policy dropped."""

from django.db.models import Case, F, Q, Value, When

from botstate.db.clock import now_us
from botstate.db.locks import locked
from botstate.db.transactions import run_durable
from botstate.models import Thread, Turn
from botstate.runtime.conflicts import GATHERING
from botstate.runtime.doorbell import doorbell

#: It waits for no others now, whatever it did. Only the policy says that it may stand for messages from before.
_HAS_GATHERED = Q(policy__in=GATHERING, started_us__isnull=False)
_POLICY = Case(When(_HAS_GATHERED, then=F("policy")), default=Value("queue"))


def replay_turn(using: str, turn_id: int) -> bool:
    """Let a dead or dropped turn wait once more, with all its attempts; False where it is neither, or is gone.

    It keeps its place: it runs before what waits in its thread already, alone and at once, with the skipped messages
    that it stood for. Atomic: of two that replay one turn, one does. Raises StoreUnavailable.
    """

    def replay() -> int | None:
        turns = Turn.objects.using(using).filter(pk=turn_id)
        thread_id = turns.values_list("thread_id", flat=True).first()
        if thread_id is None:
            return None
        locked(using, Thread.objects.using(using).filter(pk=thread_id)).get()
        now = now_us(using)
        waits = {"status": Turn.Status.WAITING, "attempts": 0, "due_us": 0, "finished_us": None, "reason": ""}
        ended = turns.filter(status__in=Turn.REPLAYABLE)
        if not ended.update(**waits, policy=_POLICY, error_type="", error_place=""):
            return None
        Thread.objects.using(using).filter(pk=thread_id).update(ring_us=now)
        return thread_id

    thread_id = run_durable(using, replay, "replaying a turn")
    if thread_id is None:
        return False
    doorbell.ring(thread_id)
    return True
