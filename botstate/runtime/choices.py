"""What a turn has asked: answered by a click, or ended when its time is over, once, and continued in a turn."""

from django.db.models import Q

from botstate import exact_json
from botstate.conf import get_settings
from botstate.contracts.events import Event, Origin
from botstate.db.clock import StoreNow, now_us
from botstate.db.locks import locked
from botstate.db.transactions import run_durable, run_statement
from botstate.exceptions import ActionConsumed, ActionExpired
from botstate.models import Delivery, PendingChoice, Thread, Turn
from botstate.runtime.posts import ChoiceRequest

BATCH = 100


def store_choice(using: str, delivery: Delivery, request: ChoiceRequest, now_us: int) -> None:
    """Store what a posted message asks. Belongs in the turn's fenced transaction."""
    PendingChoice.objects.using(using).create(
        thread_id=delivery.thread_id,
        delivery=delivery,
        continuation=request.continuation,
        args=request.args_text,
        created_us=now_us,
        expires_us=None if request.timeout_us is None else now_us + request.timeout_us,
    )


def answer_choice(using: str, delivery_id: int, turn_id: int) -> PendingChoice | None:
    """Let the turn answer what the message asks; None if it asks nothing. The turn that won may ask again.

    Atomic across processes. Raises ActionConsumed where another turn has answered, ActionExpired where time is over.
    """
    choices = PendingChoice.objects.using(using).filter(delivery=delivery_id)
    in_time = Q(expires_us=None) | Q(expires_us__gt=StoreNow())
    open_choices = choices.filter(Q(answered_by=turn_id) | (Q(answered_by=None, is_timed_out=False) & in_time))
    is_ours = run_statement(using, lambda: open_choices.update(answered_by=turn_id), is_write=True) > 0
    choice = run_statement(using, choices.first)
    if choice is None or is_ours:
        return choice
    if choice.answered_by is not None:
        raise ActionConsumed(f"choice {choice.pk} was answered before")
    raise ActionExpired(f"choice {choice.pk} is over")


def end_overdue_choices() -> int:
    """End what nobody has answered in time, each with a turn of its thread that continues; return how many ended.

    An indexed query for a hundred, and a short transaction for each.
    """
    using = get_settings().database
    overdue = PendingChoice.objects.using(using).filter(
        expires_us__lte=now_us(using), answered_by=None, is_timed_out=False
    )
    ended = 0
    for pk in list(overdue.order_by("expires_us").values_list("pk", flat=True)[:BATCH]):
        ended += _end(using, pk)
    return ended


def _end(using: str, pk: int) -> bool:
    choices = PendingChoice.objects.using(using).filter(pk=pk)

    def end() -> bool:
        thread_id = choices.values_list("thread_id", flat=True).first()
        thread = locked(using, Thread.objects.using(using).filter(pk=thread_id or 0)).first()
        if thread is None or not choices.filter(answered_by=None, is_timed_out=False).update(is_timed_out=True):
            return False
        now = now_us(using)
        thread.last_sequence += 1
        thread.ring_us = now
        thread.save(using=using, update_fields=["last_sequence", "ring_us"])
        _turn(thread, choices.get(), now).save(using=using, force_insert=True)
        return True

    return run_durable(using, end, "ending a choice")


def _turn(thread: Thread, choice: PendingChoice, now_us: int) -> Turn:
    origin = Origin(thread.bot, thread.platform, thread.app, thread.workspace)
    event = Event("choice", origin, thread.key, f"choice {choice.pk}", data={"choice": choice.pk})
    return Turn(
        thread_id=thread.pk,
        sequence=thread.last_sequence,
        kind=event.kind,
        event=exact_json.dumps(event.to_json()),
        posted=choice.delivery_id,
        received_us=now_us,
    )
