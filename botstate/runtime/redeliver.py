"""Ringing again for threads that have something due and no worker."""

from botstate.conf import get_settings
from botstate.db.batches import lock_batch
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.models import Thread
from botstate.runtime.doorbell import publish
from botstate.runtime.inbox import REDELIVER_INTERVAL_US

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
        due = lock_batch(using, threads.filter(ring_us__lte=now_us(using)).order_by("ring_us"), BATCH)
        now = now_us(using)
        leased = dict(threads.filter(pk__in=due, lease__expires_us__gt=now).values_list("pk", "lease__expires_us"))
        idle = [pk for pk in due if pk not in leased]
        threads.filter(pk__in=idle).update(ring_us=now + REDELIVER_INTERVAL_US)
        if leased:
            threads.filter(pk__in=list(leased)).update(ring_us=min(leased.values()))
        return idle, len(due)

    return run_durable(using, take, "taking threads to ring for")
