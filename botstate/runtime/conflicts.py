"""What becomes of a message that finds its thread busy, or full: `on_lock_conflict` and `max_waiting`.

All of it happens under the thread's row, in the transaction that stores the event.
"""

import logging
from dataclasses import dataclass

from django.db.models import Exists, Q, QuerySet

from botstate.contracts.events import CONFLICTING_KINDS
from botstate.db.clock import StoreNow, now_us
from botstate.models import Thread, ThreadLease, Turn, TurnLease
from botstate.runtime.arrivals import UndecidedError
from botstate.runtime.bot import Limits

logger = logging.getLogger("botstate.runtime")

#: Policies that let a message wait for those that come after it.
GATHERING = ("debounce", "burst")
#: However long people go on writing, "debounce" waits no longer than so many quiet periods.
MAX_QUIET_PERIODS = 20
CONFLICT_REASON = "a turn of the thread was running or waiting"
FULL_REASON = "max_waiting messages were waiting"
FORCED_REASON = "a later message forced it out"


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether the message is dropped, and why; else how long it waits before it may run.

    since_us: when the wait began that it goes on with, as if it had been received then; None for one of its own.
    """

    drop_reason: str = ""
    wait_us: int = 0
    since_us: int | None = None


def settle(using: str, thread: Thread, kind: str, policy: str | None, limits: Limits) -> Settled:
    """Apply the policy to a new event of a thread whose row is locked, or is new and not stored yet.

    None: raises UndecidedError where it matters.

    "drop" ends the new message; "force" ends those that run or wait; "debounce" and "burst" let it wait. Where
    `max_waiting` messages wait already, the oldest or the new one is dropped. Only messages and mentions conflict.
    """
    if kind not in CONFLICTING_KINDS:
        return Settled()
    if thread.pk is None:
        return Settled(wait_us=_wait_us(policy, limits))
    if policy in (None, "drop", "force") and is_busy(using, thread):
        if policy is None:
            raise UndecidedError
        if policy == "drop":
            return Settled(drop_reason=CONFLICT_REASON)
        _force_out(using, thread)
    excess = _excess(using, thread, limits)
    if excess > 0 and limits.on_full == "drop-newest":
        return Settled(drop_reason=FULL_REASON)
    dropped = _drop_oldest(using, thread, excess, limits) if excess > 0 else None
    if dropped is not None and gathers(dropped):
        return _hand_over(using, dropped, policy, limits)
    return Settled(wait_us=_wait_us(policy, limits))


def gathers(turn: Turn) -> bool:
    """True for a turn that waits for others that become one with it."""
    # One that is replayed has no attempts, but stands for no more than it did before.
    return turn.policy in GATHERING and turn.status == Turn.Status.WAITING and turn.started_us is None


def is_busy(using: str, thread: Thread) -> bool:
    """True while a turn of the thread waits, or runs under a live lease."""
    turns = Turn.objects.using(using).filter(thread_id=thread.pk)
    in_line = ~Q(policy="parallel") & Q(thread__lease__expires_us__gt=StoreNow())
    beside = Q(policy="parallel", lease__expires_us__gt=StoreNow())
    # Each status by itself, because SQLite would read all that has ended in the thread for several.
    busy = (
        Exists(turns.filter(status=Turn.Status.WAITING))
        | Exists(turns.filter(status=Turn.Status.FAILED))
        | Exists(turns.filter(in_line | beside, status=Turn.Status.RUNNING))
    )
    return Thread.objects.using(using).filter(busy, pk=thread.pk).exists()


def _wait_us(policy: str | None, limits: Limits) -> int:
    return limits.quiet_us if policy in GATHERING else 0


def _force_out(using: str, thread: Thread) -> None:
    """End the messages of the thread that run or wait; what is no message keeps its place, and its lease."""
    lease = ThreadLease.objects.using(using).select_for_update().filter(pk=thread.pk).first()
    now = now_us(using)
    messages = Turn.objects.using(using).filter(thread_id=thread.pk, kind__in=CONFLICTING_KINDS).open()
    running = messages.filter(status=Turn.Status.RUNNING)
    # Another is found running where its worker died; whoever has the lease by now still sends what came before it.
    runs = lease is not None and running.in_line().filter(fence=lease.fence).exists()
    beside = list(running.filter(policy="parallel").values_list("pk", flat=True))
    # Before the turns, as whoever ends one of them does.
    TurnLease.objects.using(using).filter(pk__in=beside).update(token="", expires_us=now)
    messages.update(status=Turn.Status.SUPERSEDED, reason=FORCED_REASON, finished_us=now)
    if runs and lease is not None:
        lease.token, lease.expires_us = "", now
        lease.save(using=using, update_fields=["token", "expires_us"])


def _excess(using: str, thread: Thread, limits: Limits) -> int:
    """Return how many messages are too many for the new one to wait too; zero or less where there is room."""
    if thread.last_sequence < limits.max_waiting:
        return 0
    turns = Turn.objects.using(using).filter(thread_id=thread.pk)
    first = turns.first_open().values_list("sequence", flat=True).first()
    if first is None or thread.last_sequence - first + 1 < limits.max_waiting:
        # No more than that can be waiting, so they need not be counted.
        return 0
    return _waiting(using, thread).count() - limits.max_waiting + 1


def _drop_oldest(using: str, thread: Thread, excess: int, limits: Limits) -> Turn | None:
    """Drop so many of the messages that wait; return the last of them, as it was."""
    oldest = list(_waiting(using, thread).order_by("sequence")[:excess])
    # One that runs beside the others may have begun meanwhile.
    _waiting(using, thread).filter(pk__in=[turn.pk for turn in oldest]).update(
        status=Turn.Status.DROPPED, reason=FULL_REASON, finished_us=StoreNow()
    )
    logger.warning("thread %s: %s messages dropped, because %s are waiting", thread.pk, excess, limits.max_waiting)
    return oldest[-1] if oldest else None


def _hand_over(using: str, dropped: Turn, policy: str | None, limits: Limits) -> Settled:
    """Let the next message of a group, one that waits or the new one, go on with the wait of the one dropped.

    If the group waited anew, then under a steady flow, with a drop for each message, none would ever run.
    """
    in_line = Turn.objects.using(using).filter(thread_id=dropped.thread_id).in_line()
    following = in_line.open().filter(sequence__gt=dropped.sequence).order_by("sequence").first()
    if following is None and policy == dropped.policy:
        return _go_on(dropped, limits, now_us(using))
    if following is not None and gathers(following) and following.policy == dropped.policy:
        # What the policy counts from; see `next_group`.
        start = {"due_us": dropped.due_us} if dropped.policy == "burst" else {"received_us": dropped.received_us}
        in_line.filter(pk=following.pk).update(**start)
    return Settled(wait_us=_wait_us(policy, limits))


def _go_on(dropped: Turn, limits: Limits, now_us: int) -> Settled:
    if dropped.policy == "burst":
        return Settled(wait_us=max(0, dropped.due_us - now_us))
    left_us = dropped.received_us + MAX_QUIET_PERIODS * limits.quiet_us - now_us
    return Settled(wait_us=min(limits.quiet_us, max(0, left_us)), since_us=dropped.received_us)


def _waiting(using: str, thread: Thread) -> "QuerySet[Turn]":
    return Turn.objects.using(using).filter(thread_id=thread.pk, status=Turn.Status.WAITING, kind__in=CONFLICTING_KINDS)
