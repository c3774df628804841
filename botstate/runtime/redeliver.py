"""Ringing again for threads that have something due and no worker."""

from django.db.models import OuterRef, Subquery

from botstate.conf import get_settings
from botstate.db.batches import locking
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.models import Thread, ThreadLease
from botstate.runtime.arrivals import REDELIVER_INTERVAL_US
from botstate.runtime.doorbell import publish

BATCH = 500


def ring_for_due_threads() -> int:
    """Ring for every thread that has something due and no live lease; return how many, longest waiting first.

    Its next ring is then put off by the interval; a thread that a worker has is looked at again when its lease would
    end. Rows that another `redeliver` has locked are left to it. An indexed query and a few updates per 500 threads.
    """
    rung = 0
    while True:
        idle, found = _take_batch()
        publish(idle)
        rung += len(idle)
        if found < BATCH:
            return rung


def _take_batch() -> tuple[list[int], int]:
    """Return the idle threads of the first 500 that are due, and how many were due."""
    using = get_settings().database

    def take() -> tuple[list[int], int]:
        threads = Thread.objects.using(using)
        now = now_us(using)
        leases = ThreadLease.objects.using(using).filter(thread=OuterRef("pk"), expires_us__gt=now)
        due = threads.filter(ring_us__lte=now).annotate(held_until=Subquery(leases.values("expires_us")))
        found = list(locking(using, due.order_by("ring_us")).values_list("pk", "held_until")[:BATCH])
        idle = [pk for pk, held_until in found if held_until is None]
        held = {pk: held_until for pk, held_until in found if held_until is not None}
        threads.filter(pk__in=idle).update(ring_us=now + REDELIVER_INTERVAL_US)
        if held:
            threads.filter(pk__in=list(held)).update(ring_us=min(held.values()))
        return idle, len(found)

    return run_durable(using, take, "taking threads to ring for")
