"""What becomes of a message that finds its thread busy, or full: `on_lock_conflict` and `max_waiting`.

All of it happens under the thread's row, in the transaction that stores the event.
"""

import logging
from dataclasses import dataclass

from django.db.models import Exists, Q

from botstate.contracts.events import CONFLICTING_KINDS
from botstate.db.clock import StoreNow, now_us
from botstate.models import Thread, ThreadLease, Turn, TurnLease
from botstate.runtime.arrivals import UndecidedError
from botstate.runtime.bot import Limits

logger = logging.getLogger("botstate.runtime")

#: Policies that let a message wait for those that come after it.
GATHERING = ("debounce", "burst")
CONFLICT_REASON = "a turn of the thread was running or waiting"
FULL_REASON = "max_waiting messages were waiting"
FORCED_REASON = "a later message forced it out"


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether the message is dropped, and why; else how long it waits before it may run."""

    drop_reason: str = ""
    wait_us: int = 0


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
    if not _make_room(using, thread, limits):
        return Settled(drop_reason=FULL_REASON)
    return Settled(wait_us=_wait_us(policy, limits))


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
    runs = running.in_line().exists()
    beside = list(running.filter(policy="parallel").values_list("pk", flat=True))
    # Before the turns, as whoever ends one of them does.
    TurnLease.objects.using(using).filter(pk__in=beside).update(token="", expires_us=now)
    messages.update(status=Turn.Status.SUPERSEDED, reason=FORCED_REASON, finished_us=now)
    if runs and lease is not None:
        lease.token, lease.expires_us = "", now
        lease.save(using=using, update_fields=["token", "expires_us"])


def _make_room(using: str, thread: Thread, limits: Limits) -> bool:
    """Return True if the new message may wait; for that, the oldest one may have to go."""
    if thread.last_sequence < limits.max_waiting:
        return True
    turns = Turn.objects.using(using).filter(thread_id=thread.pk)
    first = turns.first_open().values_list("sequence", flat=True).first()
    if first is None or thread.last_sequence - first + 1 < limits.max_waiting:
        # No more than that can be waiting, so they need not be counted.
        return True
    waiting = turns.filter(status=Turn.Status.WAITING, kind__in=CONFLICTING_KINDS)
    excess = waiting.count() - limits.max_waiting + 1
    if excess <= 0:
        return True
    if limits.on_full == "drop-newest":
        return False
    oldest = list(waiting.order_by("sequence").values_list("pk", flat=True)[:excess])
    # One that runs beside the others may have begun meanwhile.
    waiting.filter(pk__in=oldest).update(status=Turn.Status.DROPPED, reason=FULL_REASON, finished_us=StoreNow())
    logger.warning("thread %s: %s messages dropped, because %s are waiting", thread.pk, excess, limits.max_waiting)
    return True
