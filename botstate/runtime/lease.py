"""The lease on a thread: who may run its turns, until when, and the fence that keeps everybody else's writes out."""

import os
import secrets
import socket
from dataclasses import dataclass

from botstate.db.clock import StoreNow, now_us
from botstate.db.transactions import run_durable
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery, Thread, ThreadLease, Turn


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's time with a thread. `fence` is greater than that of every earlier holder."""

    thread_id: int
    token: str
    fence: int
    ttl_us: int


def take(using: str, thread_id: int, ttl_us: int) -> Lease | None:
    """Take the thread's lease, or return None while another holder's lives (or the thread is gone)."""
    token = secrets.token_hex(16)

    def take_row() -> Lease | None:
        row, now = _locked(using, thread_id)
        if row is None:
            if not Thread.objects.using(using).filter(pk=thread_id).exists():
                return None
            ThreadLease.objects.using(using).bulk_create([ThreadLease(thread_id=thread_id)], ignore_conflicts=True)
            row, now = _locked(using, thread_id)
        if row is None or (row.token and row.expires_us > now):
            return None
        row.token, row.fence, row.expires_us, row.holder = token, row.fence + 1, now + ttl_us, _holder()
        row.save(using=using)
        return Lease(thread_id, token, row.fence, ttl_us)

    return run_durable(using, take_row, "taking a thread's lease")


def renew(using: str, lease: Lease) -> bool:
    """Let the lease live for another time-to-live from now; False once it has expired or gone to another."""

    def renew_row() -> bool:
        row, now = _locked(using, lease.thread_id)
        if row is None or not _is_held(row, lease, now):
            return False
        row.expires_us = now + lease.ttl_us
        row.save(using=using, update_fields=["expires_us"])
        return True

    return run_durable(using, renew_row, "renewing a thread's lease")


def require(using: str, lease: Lease) -> int:
    """Lock the lease's row for the rest of the transaction and return the store's time.

    Raises TurnSuperseded when the lease has expired or gone to another: whatever the transaction would write is then
    rolled back with it.
    """
    row, now = _locked(using, lease.thread_id)
    if row is None or not _is_held(row, lease, now):
        raise TurnSuperseded(f"the lease {lease.fence} on thread {lease.thread_id} is over")
    return now


def release_if_idle(using: str, lease: Lease) -> bool:
    """Give the lease back if nothing is due; True if so. "Nothing due" and "released" are one transaction.

    It holds the thread's row, as the acceptance of an event does: an event either is seen here, or finds the lease
    free and rings. What is due later (a retry) decides when `redeliver` rings. Raises TurnSuperseded.
    """

    def release() -> bool:
        Thread.objects.using(using).select_for_update().get(pk=lease.thread_id)
        now = require(using, lease)
        next_due = _next_due_us(using, lease.thread_id)
        if next_due is not None and next_due <= now:
            return False
        _free(using, lease, ring_us=next_due)
        return True

    return run_durable(using, release, "releasing a thread's lease")


def hand_back(using: str, lease: Lease) -> None:
    """Give the lease back with work left: the thread is rung for again at once. Raises TurnSuperseded."""

    def release() -> None:
        Thread.objects.using(using).select_for_update().get(pk=lease.thread_id)
        now = require(using, lease)
        _free(using, lease, ring_us=now)

    run_durable(using, release, "releasing a thread's lease")


def _free(using: str, lease: Lease, ring_us: int | None) -> None:
    ThreadLease.objects.using(using).filter(pk=lease.thread_id).update(token="", expires_us=StoreNow())
    Thread.objects.using(using).filter(pk=lease.thread_id).update(ring_us=ring_us)


def _next_due_us(using: str, thread_id: int) -> int | None:
    """Return when the thread's next turn or delivery is due; None when it has neither.

    Only the first of each counts: they go in order, so a later one waits for it.
    """
    turn = Turn.objects.using(using).filter(thread_id=thread_id).open().order_by("sequence").first()
    waiting = Delivery.objects.using(using).filter(thread_id=thread_id, status=Delivery.Status.WAITING)
    delivery = waiting.order_by("id").first()
    return min((row.due_us for row in (turn, delivery) if row is not None), default=None)


def _locked(using: str, thread_id: int) -> tuple[ThreadLease | None, int]:
    """Return the lease's row, locked, and the store's time after that."""
    row = ThreadLease.objects.using(using).select_for_update().filter(pk=thread_id).first()
    return row, now_us(using)


def _is_held(row: ThreadLease, lease: Lease, now: int) -> bool:
    return row.token == lease.token and row.fence == lease.fence and row.expires_us > now


def _holder() -> str:
    return f"{socket.gethostname()[:80]}:{os.getpid()}"
