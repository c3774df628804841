"""Ringing again for what has no worker."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botstate import Bot
from botstate.db.clock import now_us
from botstate.models import Thread, ThreadLease
from botstate.runtime import redeliver
from botstate.runtime.redeliver import ring_for_due_threads
from botstate.tasks import BEAT_SCHEDULE
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gather what is rung for."""
    rung: list[int] = []
    monkeypatch.setattr(redeliver, "publish", rung.extend)
    return rung


def make_threads(count: int, ring_us: int | None) -> None:
    Thread.objects.bulk_create(
        Thread(
            digest=f"{number:032x}",
            bot="b",
            platform="p",
            workspace="w",
            key=str(number),
            created_us=0,
            last_event_us=0,
            ring_us=ring_us if ring_us is None else ring_us + number,
        )
        for number in range(count)
    )


def test_a_thread_is_rung_for_once_its_time_has_come_and_not_twice_within_the_interval(
    make_bot: Callable[..., Bot], slack: SlackSender, rung: list[int]
) -> None:
    make_bot().on_message(lambda thread, message: None)
    slack.message()
    assert ring_for_due_threads() == 0
    Thread.objects.update(ring_us=now_us("default"))
    assert ring_for_due_threads() == 1
    assert ring_for_due_threads() == 0
    assert rung == [Thread.objects.get().pk]


def test_a_thread_with_nothing_to_do_is_not_rung_for() -> None:
    make_threads(3, None)
    assert ring_for_due_threads() == 0


def test_a_thread_with_a_live_lease_is_looked_at_again_when_that_would_end(rung: list[int]) -> None:
    make_threads(1, 1)
    thread = Thread.objects.get()
    ends = now_us("default") + 60_000_000
    ThreadLease.objects.create(thread=thread, token="t", fence=1, expires_us=ends)
    assert ring_for_due_threads() == 0
    assert rung == []
    assert Thread.objects.get().ring_us == ends


def test_many_threads_go_in_batches_of_a_constant_number_of_queries(
    monkeypatch: pytest.MonkeyPatch, rung: list[int]
) -> None:
    monkeypatch.setattr(redeliver, "BATCH", 50)
    make_threads(120, 1)
    with CaptureQueriesContext(connection) as queries:
        assert ring_for_due_threads() == 120
    assert rung == sorted(Thread.objects.values_list("pk", flat=True))
    selects = [query["sql"] for query in queries if "ring_us" in query["sql"] and query["sql"].startswith("SELECT")]
    assert len(selects) == 3, "one indexed query per batch"
    assert len(queries) <= 3 * 5


def test_a_batch_of_threads_that_workers_have_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, rung: list[int]
) -> None:
    monkeypatch.setattr(redeliver, "BATCH", 2)
    make_threads(3, 1)
    first, second, third = Thread.objects.order_by("ring_us")
    for thread in (first, second):
        ends = now_us("default") + 60_000_000
        ThreadLease.objects.create(thread=thread, token="t", fence=1, expires_us=ends)
    assert ring_for_due_threads() == 1
    assert rung == [third.pk]


def test_the_beat_schedule_names_the_tasks() -> None:
    from celery import current_app

    current_app.loader.import_default_modules()
    assert {entry["task"] for entry in BEAT_SCHEDULE.values()} == {"botstate.redeliver", "botstate.sweep"}
    assert {"botstate.redeliver", "botstate.sweep", "botstate.run_turns"} <= set(current_app.tasks)
