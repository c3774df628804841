"""What comes after a death: Slack's redelivery where it got no 200, and a fresh worker, once times have run out."""

from collections.abc import Iterable

from botproject.demo.waiting import wait_until
from botstate.db.clock import now_us
from botstate.models import Delivery, Thread, ThreadLease, Turn, TurnLease
from botstate.runtime import redeliver
from botstate.runtime.worker import run_threads


def let_time_pass() -> None:
    """Let leases, backoffs, quiet periods and the trust in rung bells run out, without waiting for it."""
    for leases in (ThreadLease.objects, TurnLease.objects):
        leases.exclude(token="").update(expires_us=1)
    Turn.objects.filter(status__in=["waiting", "failed"]).update(due_us=0)
    Delivery.objects.filter(status__in=["waiting", "sending"]).update(due_us=0)
    Thread.objects.exclude(ring_us=None).update(ring_us=1)


def work_until_idle(rung: list[int]) -> None:
    """Run what `redeliver` rings for, in this process, until it finds nothing. rung: what was published is found here.

    A row that a dead session has still locked is skipped by `redeliver`, so one look that finds nothing is no proof.
    """

    def is_idle() -> bool:
        let_time_pass()
        rung.clear()
        redeliver.ring_for_due_threads()
        run_threads(list(rung))
        return not Thread.objects.exclude(ring_us=None).exists()

    wait_until(is_idle, "nothing to do", 20)


def assert_at_rest(thread_ids: Iterable[int]) -> None:
    """Nothing is open, held or to be rung for in these threads. A lease that is over is free, whoever had it."""
    ids, now = list(thread_ids), now_us("default")
    assert not Turn.objects.filter(thread_id__in=ids).open().exists()
    assert not Delivery.objects.filter(thread_id__in=ids, status__in=["waiting", "sending"]).exists()
    assert not ThreadLease.objects.filter(pk__in=ids, expires_us__gt=now).exists()
    assert not TurnLease.objects.filter(turn__thread_id__in=ids, expires_us__gt=now).exists()
    assert not Thread.objects.filter(pk__in=ids).exclude(ring_us=None).exists()
