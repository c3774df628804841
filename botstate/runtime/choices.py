"""What a turn has asked: answered by a click, or ended when its time is over, once, and continued in a turn."""

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from botstate import exact_json
from botstate.conf import get_settings
from botstate.contracts.events import Event, Origin
from botstate.db.clock import now_us
from botstate.db.locks import locked
from botstate.db.transactions import run_durable, run_statement
from botstate.exceptions import ActionConsumed, ActionExpired
from botstate.models import Delivery, PendingChoice, Thread, Turn
from botstate.runtime.keys import has_key
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


def find_choice(using: str, delivery_id: int, key: str, *, has_own_handler: bool) -> PendingChoice | None:
    """Return what the message asks if the control of this key answers it, or did.

    One statement. Those that it asked with answer; of those that an update brought, the ones without a handler of the
    bot's own answer for as long as nobody has.
    """
    choices = PendingChoice.objects.using(using).filter(delivery=delivery_id).select_related("delivery")
    choice = run_statement(using, choices.first)
    if choice is None or has_key(choice.delivery.payload, key):
        return choice
    return choice if choice.answered_by is None and not has_own_handler else None


def answer_choice(using: str, choice: PendingChoice, turn_id: int) -> None:
    """Let the turn answer what was asked. The turn that won may answer again.

    In time is what was received in time, however late its turn runs. One statement, and one more for whoever is
    refused; atomic across processes. Raises ActionConsumed where another turn has answered, ActionExpired where time
    is over.
    """
    choices = PendingChoice.objects.using(using).filter(pk=choice.pk)
    received_us = Subquery(Turn.objects.using(using).filter(pk=turn_id).values("received_us"))
    in_time = Q(expires_us=None) | Q(expires_us__gt=received_us)
    open_choices = choices.filter(Q(answered_by=turn_id) | (Q(answered_by=None, is_timed_out=False) & in_time))
    if run_statement(using, lambda: open_choices.update(answered_by=turn_id), is_write=True):
        return
    if run_statement(using, choices.exclude(answered_by=None).exists):
        raise ActionConsumed(f"choice {choice.pk} was answered before")
    raise ActionExpired(f"choice {choice.pk} is over")


def end_overdue_choices() -> int:
    """End what nobody has answered in time, each with a turn of its thread that continues; return how many ended.

    A click that was received in time is waited for. An indexed query for a hundred, and a short transaction for each.
    """
    using = get_settings().database
    overdue = _overdue(using, now_us(using)).order_by("expires_us").values_list("pk", "thread_id")
    return sum(_end(using, pk, thread_id) for pk, thread_id in list(overdue[:BATCH]))


def _overdue(using: str, now_us: int) -> "QuerySet[PendingChoice]":
    """Return what is over: a click of the message that came in time, and has yet to be run, may be its answer."""
    clicks = Turn.objects.using(using).filter(thread_id=OuterRef("thread_id"), posted=OuterRef("delivery_id")).open()
    in_time = clicks.filter(kind="click", received_us__lt=OuterRef("expires_us"))
    unanswered = PendingChoice.objects.using(using).filter(answered_by=None, is_timed_out=False)
    return unanswered.filter(~Exists(in_time), expires_us__lte=now_us)


def _end(using: str, pk: int, thread_id: int) -> bool:
    def end() -> bool:
        # Clicks are accepted under the thread's row: none can come in between.
        thread = locked(using, Thread.objects.using(using).filter(pk=thread_id)).first()
        now = now_us(using)
        choice = _overdue(using, now).filter(pk=pk).first()
        if thread is None or choice is None:
            return False
        unanswered = PendingChoice.objects.using(using).filter(pk=pk, answered_by=None)
        if not unanswered.update(is_timed_out=True):
            return False
        thread.last_sequence += 1
        thread.ring_us = now
        thread.save(using=using, update_fields=["last_sequence", "ring_us"])
        _turn(thread, choice, now).save(using=using, force_insert=True)
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
