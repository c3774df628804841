"""The site's and the workers' hosts have clocks that are an hour off: the database's clock decides everything.

But for one thing: how old a signature is, the site can only tell by its own.
"""

import os
from typing import Any

import pytest
from django.db.models import Max, Min

from botproject.demo.waiting import wait_until
from botstate.db.clock import now_us
from botstate.models import Receipt, Thread, ThreadLease, Turn
from tests.processes.conftest import Stage
from tests.stores.faults.programs import problem

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.needs("postgresql", "mysql")]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


@pytest.fixture(autouse=True)
def needs_faketime() -> None:
    why = problem("faketime")
    if why and os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    elif why:
        pytest.skip(why)


def assert_between(rows: Any, begun_us: int, *columns: str) -> None:
    """Every time in these columns is of the database's clock, between `begun_us` and now."""
    found = rows.aggregate(*(bound(column) for column in columns for bound in (Min, Max)))
    now = now_us("default")
    assert all(begun_us <= value <= now for value in found.values()), found


def test_a_site_an_hour_behind_and_a_worker_an_hour_ahead_keep_every_promise(stage: Stage) -> None:
    begun_us, behind_s = now_us("default"), 3_600
    slack = stage.start_site(workers=1, clock="-1h")
    hang = stage.message("hang")
    assert slack.send_event(hang).status == 401, "the signature's age is told by the site's clock"
    assert not Receipt.objects.exists()
    for retry in range(2):
        assert slack.send_event(hang, retry=retry, age_s=behind_s).status == 200
    second = stage.message("second", thread_ts=hang["event"]["ts"])
    assert slack.send_event(second, age_s=behind_s).status == 200
    assert Turn.objects.count() == 2, "a redelivery is recognised"
    assert_between(Turn.objects, begun_us, "received_us")
    assert {receipt.expires_us - receipt.received_us for receipt in Receipt.objects.all()} == {DAY_US}

    worker = stage.start_worker(beat=False, clock="+1h")
    stage.start_beat()
    stage.wait_for_trace("hang attempt 1")
    first_end = ThreadLease.objects.get().expires_us
    assert 0 < first_end - now_us("default") <= 2 * SECOND_US
    # One whose clock is right comes to help, and would take over if either took the other's lease for ended.
    stage.start_worker(beat=False)
    wait_until(lambda: now_us("default") > first_end + 2 * SECOND_US, "three times the lease", 20)
    assert stage.traces() == ["hang attempt 1"]
    wait_until(lambda: "Task botstate.redeliver" in worker.log_text(), "what beat sends", 10)
    assert "revoked" not in worker.log_text(), "a task of beat's is not thrown away as too old"
    (stage.directory / "go on").touch()
    stage.wait_for_trace("second done")
    assert stage.traces() == ["hang attempt 1", "hang done", "second attempt 1", "second done"]
    wait_until(lambda: Thread.objects.filter(ring_us=None).exists(), "nothing to ring for", 20)
    assert_between(Turn.objects, begun_us, "started_us", "finished_us")
    assert [call.arguments["text"] for call in stage.api.done("chat.postMessage")] == ["did hang", "did second"]
