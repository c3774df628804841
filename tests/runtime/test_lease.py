"""The lease on a thread: one holder, a growing fence, nothing written without it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.db.clock import now_us
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery, Thread, ThreadLease, ThreadState, Turn
from botstate.runtime.heartbeat import Heartbeat
from botstate.runtime.lease import hand_back, release_if_idle, renew, take
from botstate.runtime.worker import Drained, run_thread
from tests.slack.signing import SlackSender

USING = "default"
TTL_US = 30_000_000

RunAll = Callable[[], list[Drained]]


@pytest.fixture
def thread(db: None) -> Thread:
    now = now_us(USING)
    return Thread.objects.create(
        digest="0" * 32, bot="helper", platform="slack", workspace="T1", key="C1:1", created_us=now, last_event_us=now
    )


def expire() -> None:
    ThreadLease.objects.update(expires_us=now_us(USING) - 1)


def test_one_holder_at_a_time_and_a_growing_fence(thread: Thread) -> None:
    first = take(USING, thread.pk, TTL_US)
    assert first is not None
    assert take(USING, thread.pk, TTL_US) is None
    assert release_if_idle(USING, first)
    second = take(USING, thread.pk, TTL_US)
    assert second is not None
    expire()
    third = take(USING, thread.pk, TTL_US)
    assert third is not None
    assert first.fence < second.fence < third.fence


def test_an_expired_lease_cannot_be_renewed_released_or_handed_back(thread: Thread) -> None:
    lease = take(USING, thread.pk, TTL_US)
    assert lease is not None
    assert renew(USING, lease)
    expire()
    assert not renew(USING, lease)
    for end in (release_if_idle, hand_back):
        with pytest.raises(TurnSuperseded):
            end(USING, lease)


def test_there_is_no_lease_on_a_thread_that_is_gone(db: None) -> None:
    assert take(USING, 123456, TTL_US) is None


def test_a_thread_with_something_due_is_not_released(thread: Thread) -> None:
    lease = take(USING, thread.pk, TTL_US)
    assert lease is not None
    turn = Turn.objects.create(thread=thread, sequence=1, kind="message", event="{}", received_us=1)
    assert not release_if_idle(USING, lease)
    later = now_us(USING) + 60_000_000
    Turn.objects.update(status="failed", due_us=later)
    assert release_if_idle(USING, lease)
    assert Thread.objects.get().ring_us == later
    assert turn.pk


def test_a_turn_that_lost_its_lease_stores_and_posts_nothing(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, db: None
) -> None:
    bot = make_bot()

    @bot.on_message
    def outlives_its_lease(thread: Any, message: Any) -> None:
        thread.set_state(stage="mine")
        thread.post("mine")
        expire()

    slack.message()
    assert run_all() == [Drained.SUPERSEDED]
    assert not ThreadState.objects.exists()
    assert not Delivery.objects.exists()
    assert Turn.objects.get().status == "running"


def test_a_turn_that_was_taken_over_does_not_record_its_failure_either(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, db: None
) -> None:
    bot = make_bot()

    @bot.on_message
    def fails_late(thread: Any, message: Any) -> None:
        expire()
        assert take(USING, Thread.objects.get().pk, TTL_US)
        raise RuntimeError

    slack.message()
    assert run_all() == [Drained.SUPERSEDED]
    assert Turn.objects.get().status == "running"


@pytest.fixture
def sqlite_or_server_connections() -> Iterator[None]:
    yield
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_for_as_long_as_its_handler_runs(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    bot = make_bot(lock_ttl="600ms")
    others: list[Drained] = []

    @bot.on_message
    def takes_three_leases(thread: Any, message: Any) -> None:
        row = ThreadLease.objects.get()
        begun, ends = row.expires_us, row.expires_us + 2 * 600_000
        done = threading.Event()

        def look() -> None:
            while now_us(USING) < ends:
                others.append(run_thread(row.pk))
                done.wait(0.05)
            connection.close()

        other = threading.Thread(target=look)
        other.start()
        other.join()
        assert ThreadLease.objects.get().expires_us > begun
        thread.set_state(stage="still mine")

    slack.message()
    assert run_thread(Thread.objects.get().pk) == Drained.IDLE
    assert set(others) == {Drained.BUSY_ELSEWHERE}
    assert ThreadState.objects.get().value == '{"stage":"still mine"}'
    assert Turn.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_handler_is_told_when_its_lease_was_lost(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    bot = make_bot(lock_ttl="300ms")
    caught = []

    @bot.on_message
    def loses_it(thread: Any, message: Any) -> None:
        ThreadLease.objects.update(token="another's")
        assert thread.turn._pulse.is_lost.wait(10)
        assert thread.turn.superseded
        for change in (lambda: thread.set_state(a=1), lambda: thread.post("x")):
            with pytest.raises(TurnSuperseded):
                change()
            caught.append(change)
        raise TurnSuperseded

    slack.message()
    assert run_thread(Thread.objects.get().pk) == Drained.SUPERSEDED
    assert len(caught) == 2


@pytest.mark.django_db(transaction=True)
def test_the_heartbeats_thread_ends_with_the_last_lease() -> None:
    now = now_us(USING)
    row = Thread.objects.create(digest="0" * 32, bot="b", platform="p", key="k", created_us=now, last_event_us=now)
    heartbeat = Heartbeat()
    lease = take(USING, row.pk, TTL_US)
    assert lease is not None
    with heartbeat.keeping(USING, lease):
        worker = heartbeat._thread
        assert worker is not None
        assert worker.is_alive()
    worker.join(10)
    assert not worker.is_alive()
    with heartbeat.keeping(USING, lease):
        assert heartbeat._thread is not worker
