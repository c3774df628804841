"""Leases: who may run a thread's turns, until when, and the fence that keeps everybody else's writes out.

Whoever locks both locks a thread's row before its lease's.
"""

import os
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db import connections
from django.db.models import QuerySet

from botstate.db.clock import StoreNow, now_us
from botstate.db.transactions import run_durable, run_statement
from botstate.exceptions import TurnSuperseded
from botstate.models import Thread, ThreadLease, TurnLease
from botstate.models.threads import LeaseRow


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's time with a thread, or with the one turn `turn_id` that runs beside the thread's others.

    `fence` is greater than that of every earlier holder.
    """

    thread_id: int
    token: str
    fence: int
    ttl_us: int
    turn_id: int | None = None


def take(using: str, thread_id: int, ttl_us: int) -> Lease | None:
    """Take the thread's lease, or return None while another holder's lives. Belongs in a transaction."""
    row, now = _locked_or_new(ThreadLease.objects.using(using), ThreadLease(thread_id=thread_id), using)
    return _hold(using, row, now, Lease(thread_id, new_token(), row.fence + 1, ttl_us))


def take_turn(using: str, thread_id: int, turn_id: int, ttl_us: int) -> Lease | None:
    """Take the lease of a turn that runs beside the others, as `take` does. Belongs in a transaction."""
    row, now = _locked_or_new(TurnLease.objects.using(using), TurnLease(turn_id=turn_id), using)
    return _hold(using, row, now, Lease(thread_id, new_token(), row.fence + 1, ttl_us, turn_id))


def renew(using: str, lease: Lease) -> bool:
    """Let the lease live for another time-to-live from now; False once it has expired or gone to another."""

    def renew_row() -> bool:
        row, now = _locked(_rows(using, lease), using)
        if row is None or not _is_held(row, lease, now):
            return False
        row.expires_us = now + lease.ttl_us
        row.save(using=using, update_fields=["expires_us"])
        return True

    return run_durable(using, renew_row, "renewing a lease")


def require(using: str, lease: Lease) -> int:
    """Lock the lease's row for the rest of the transaction and return the store's time.

    Raises TurnSuperseded when the lease has expired or gone to another: whatever the transaction would write is then
    rolled back with it.
    """
    row, now = _locked(_rows(using, lease), using)
    if row is None or not _is_held(row, lease, now):
        raise TurnSuperseded(f"the lease {lease.fence} on thread {lease.thread_id} is over")
    return now


def require_to_refer(using: str, lease: Lease) -> int:
    """Do as `require` for a transaction that inserts rows which refer to the thread.

    There MariaDB and MySQL lock the thread's row, and would meet whoever holds that one and waits for the lease's; so
    it is locked first.
    """
    if connections[using].vendor == "mysql":
        Thread.objects.using(using).select_for_update().filter(pk=lease.thread_id).first()
    return require(using, lease)


def free(using: str, lease: Lease) -> None:
    """Give the lease back. Belongs in a transaction that has required it."""
    _rows(using, lease).update(token="", expires_us=StoreNow())


def taken_away(using: str, leases: Iterable[Lease]) -> list[Lease]:
    """Return those leases that others have taken, or ended. One statement for the threads', one for the turns'."""
    held = list(leases)
    threads = {lease.thread_id for lease in held if lease.turn_id is None}
    turns = {lease.turn_id for lease in held if lease.turn_id is not None}

    def tokens() -> set[str]:
        found: set[str] = set()
        for rows, keys in ((ThreadLease.objects, threads), (TurnLease.objects, turns)):
            if keys:
                found.update(rows.using(using).filter(pk__in=keys).values_list("token", flat=True))
        return found

    living = run_statement(using, tokens)
    return [lease for lease in held if lease.token not in living]


def new_token() -> str:
    """Return what tells one holder from every other."""
    return secrets.token_hex(16)


@lru_cache(maxsize=1)
def _host() -> str:
    return socket.gethostname()[:80]


def holder() -> str:
    """Return this process's name, for people: host and process id."""
    return f"{_host()}:{os.getpid()}"


def _rows(using: str, lease: Lease) -> "QuerySet[LeaseRow]":
    if lease.turn_id is None:
        return ThreadLease.objects.using(using).filter(pk=lease.thread_id)
    return TurnLease.objects.using(using).filter(pk=lease.turn_id)


def _locked(rows: "QuerySet[LeaseRow]", using: str) -> tuple[LeaseRow | None, int]:
    """Return the row, locked, and the store's time after that."""
    row = rows.select_for_update().first()
    return row, now_us(using)


def _locked_or_new(rows: "QuerySet[LeaseRow]", fresh: LeaseRow, using: str) -> tuple[LeaseRow, int]:
    row, now = _locked(rows.filter(pk=fresh.pk), using)
    if row is None:
        rows.bulk_create([fresh], ignore_conflicts=True)
        row, now = _locked(rows.filter(pk=fresh.pk), using)
    if row is None:
        raise TurnSuperseded(f"what lease {fresh.pk} was on is gone")
    return row, now


def _hold(using: str, row: LeaseRow, now: int, lease: Lease) -> Lease | None:
    if row.token and row.expires_us > now:
        return None
    row.token, row.fence, row.expires_us, row.holder = lease.token, lease.fence, now + lease.ttl_us, holder()
    row.save(using=using)
    return lease


def _is_held(row: LeaseRow, lease: Lease, now: int) -> bool:
    return row.token == lease.token and row.fence == lease.fence and row.expires_us > now
