"""Ringing again for threads that have something due and no worker."""

from botstate.conf import get_settings
from botstate.db.batches import lock_batch
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.models import Thread
from botstate.runtime.inbox import REDELIVER_INTERVAL_US

BATCH = 500


def take_due_threads() -> list[int]:
    """Return at most 500 threads to ring for, longest waiting first, and put their next ring off by the interval.

    A thread that a worker has is looked at again when its lease would end. Rows that another `redeliver` has locked
    are left to it. One indexed query and one or two updates for the whole batch.
    """
    using = get_settings().database

    def take() -> list[int]:
        threads = Thread.objects.using(using)
        due = lock_batch(using, threads.filter(ring_us__lte=now_us(using)).order_by("ring_us"), BATCH)
        now = now_us(using)
        leased = dict(threads.filter(pk__in=due, lease__expires_us__gt=now).values_list("pk", "lease__expires_us"))
        idle = [pk for pk in due if pk not in leased]
        threads.filter(pk__in=idle).update(ring_us=now + REDELIVER_INTERVAL_US)
        if leased:
            threads.filter(pk__in=list(leased)).update(ring_us=min(leased.values()))
        return idle

    return run_durable(using, take, "taking threads to ring for")
