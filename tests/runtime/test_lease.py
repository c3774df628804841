"""The lease on a thread: one holder, a growing fence, nothing written without it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery, Thread, ThreadLease, ThreadState, Turn
from botstate.runtime import heartbeat as heartbeat_module
from botstate.runtime.heartbeat import Heartbeat, Pulse
from botstate.runtime.lease import Lease, renew, take
from botstate.runtime.turns import ClaimedTurn, Idle
from botstate.runtime.work import advance, begin, hand_back
from botstate.runtime.worker import MAX_TURNS_PER_LEASE, Drained, run_thread
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


def hold(thread_id: int) -> Lease | None:
    """Take a thread's lease, whatever there is to do."""
    return run_durable(USING, lambda: take(USING, thread_id, TTL_US))


def test_one_holder_at_a_time_and_a_growing_fence(thread: Thread, make_bot: Callable[..., Bot]) -> None:
    first = hold(thread.pk)
    assert first is not None
    assert hold(thread.pk) is None
    assert advance(USING, first, make_bot()) == Idle(None)
    second = hold(thread.pk)
    assert second is not None
    expire()
    third = hold(thread.pk)
    assert third is not None
    assert first.fence < second.fence < third.fence


def test_an_expired_lease_cannot_be_renewed_released_or_handed_back(
    thread: Thread, make_bot: Callable[..., Bot]
) -> None:
    lease = hold(thread.pk)
    assert lease is not None
    assert renew(USING, lease)
    expire()
    assert not renew(USING, lease)
    with pytest.raises(TurnSuperseded):
        advance(USING, lease, make_bot())
    with pytest.raises(TurnSuperseded):
        hand_back(USING, lease)


def test_a_lease_is_handed_back_with_the_turn_that_it_ended(thread: Thread, make_bot: Callable[..., Bot]) -> None:
    bot = make_bot()
    for sequence in (1, 2):
        Turn.objects.create(thread=thread, sequence=sequence, kind="message", event="{}", received_us=1)
    begun = begin(USING, thread.pk, bot)
    assert isinstance(begun, tuple)
    lease, turn = begun
    assert isinstance(turn, ClaimedTurn)
    hand_back(USING, lease, turn)
    assert [*Turn.objects.order_by("sequence").values_list("status", flat=True)] == ["done", "waiting"]
    ring_us = Thread.objects.get().ring_us
    assert ring_us is not None
    assert ring_us <= now_us(USING)
    assert hold(thread.pk)
    with pytest.raises(TurnSuperseded):
        hand_back(USING, lease, turn)


def test_a_lease_is_not_handed_back_with_a_turn_that_another_ended(
    thread: Thread, make_bot: Callable[..., Bot]
) -> None:
    Turn.objects.create(thread=thread, sequence=1, kind="message", event="{}", received_us=1)
    begun = begin(USING, thread.pk, make_bot())
    assert isinstance(begun, tuple)
    lease, turn = begun
    assert isinstance(turn, ClaimedTurn)
    Turn.objects.update(status="superseded")
    with pytest.raises(TurnSuperseded):
        hand_back(USING, lease, turn)
    assert Turn.objects.get().status == "superseded"
    assert hold(thread.pk) is None


def test_a_thread_is_handed_back_after_its_share_of_turns(
    make_bot: Callable[..., Bot], slack: SlackSender, db: None
) -> None:
    bot = make_bot(on_lock_conflict="queue")
    ran: list[str] = []
    bot.on_message(lambda thread, message: ran.append(message.text))
    for number in range(MAX_TURNS_PER_LEASE + 5):
        slack.message(ts=f"1.{number}", thread_ts="1.0")
    pk = Thread.objects.get().pk
    assert (run_thread(pk), len(ran)) == (Drained.UNFINISHED, MAX_TURNS_PER_LEASE)
    assert (run_thread(pk), len(ran)) == (Drained.IDLE, MAX_TURNS_PER_LEASE + 5)


def test_there_is_no_lease_on_a_thread_that_is_gone(db: None, make_bot: Callable[..., Bot]) -> None:
    assert begin(USING, 123456, make_bot()) is None


def test_a_thread_with_nothing_due_is_not_held(thread: Thread, make_bot: Callable[..., Bot]) -> None:
    assert begin(USING, thread.pk, make_bot()) == Idle(None)
    assert hold(thread.pk)


def test_a_thread_with_something_due_is_not_released(thread: Thread, make_bot: Callable[..., Bot]) -> None:
    bot = make_bot()
    Turn.objects.create(thread=thread, sequence=1, kind="message", event="{}", received_us=1)
    begun = begin(USING, thread.pk, bot)
    assert isinstance(begun, tuple)
    lease, turn = begun
    assert isinstance(turn, ClaimedTurn)
    assert (turn.attempt, turn.event_text) == (1, "{}")
    later = now_us(USING) + 60_000_000
    Turn.objects.update(status="failed", due_us=later)
    idle = advance(USING, lease, bot)
    assert isinstance(idle, Idle)
    assert idle.wait_us is not None
    assert 59_000_000 < idle.wait_us <= 60_000_000
    assert Thread.objects.get().ring_us == later


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
        assert hold(Thread.objects.get().pk)
        raise RuntimeError

    slack.message()
    assert run_all() == [Drained.SUPERSEDED]
    assert Turn.objects.get().status == "running"


def test_force_leaves_the_lease_of_a_worker_that_has_not_begun_the_turn(
    make_bot: Callable[..., Bot], slack: SlackSender, db: None
) -> None:
    bot = make_bot(on_lock_conflict="force")
    bot.on_message(lambda thread, message: None)
    slack.message(ts="9.1", thread_ts="1.0")
    thread_id = Thread.objects.get().pk
    assert isinstance(begin(USING, thread_id, bot), tuple)
    # Its worker died. The next one has something else to do first, such as sending an earlier turn's post.
    expire()
    sending = hold(thread_id)
    assert sending is not None
    slack.message(ts="9.2", thread_ts="1.0")
    assert [turn.status for turn in Turn.objects.order_by("sequence")] == ["superseded", "waiting"]
    assert renew(USING, sending)


@pytest.fixture
def sqlite_or_server_connections() -> Iterator[None]:
    yield
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_for_as_long_as_its_handler_runs(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    bot = make_bot(lock_ttl="1.5s")
    others: list[Drained] = []

    @bot.on_message
    def takes_three_leases(thread: Any, message: Any) -> None:
        row = ThreadLease.objects.get()
        begun, ends = row.expires_us, row.expires_us + 1_500_000
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
def test_the_heartbeats_thread_ends_soon_after_the_last_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat_module, "LINGER_S", 0.1)
    now = now_us(USING)
    row = Thread.objects.create(digest="0" * 32, bot="b", platform="p", key="k", created_us=now, last_event_us=now)
    heartbeat = Heartbeat()
    lease = hold(row.pk)
    assert lease is not None
    with heartbeat.keeping(USING, lease, time.monotonic()):
        worker = heartbeat._thread
        assert worker is not None
        assert worker.is_alive()
    worker.join(10)
    assert not worker.is_alive()
    with heartbeat.keeping(USING, lease, time.monotonic()):
        assert heartbeat._thread is not worker


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_whose_thread_died_beats_again_with_the_next_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    now = now_us(USING)
    row = Thread.objects.create(digest="0" * 32, bot="b", platform="p", key="k", created_us=now, last_event_us=now)
    heartbeat = Heartbeat()
    lease = run_durable(USING, lambda: take(USING, row.pk, 300_000))
    assert lease is not None
    with monkeypatch.context() as patch:
        # It ends a thread without a word.
        patch.setattr(heartbeat, "_look_after", sys.exit)
        with heartbeat.keeping(USING, lease, time.monotonic()):
            worker = heartbeat._thread
            assert worker is not None
            worker.join(10)
    with heartbeat.keeping(USING, lease, time.monotonic()) as pulse:
        assert heartbeat._thread is not worker
        assert heartbeat._thread.is_alive()
        assert not pulse.is_lost.is_set()


def test_a_turn_that_ran_too_long_leaves_the_next_one_its_time() -> None:
    ended: list[str] = []
    pulse = Pulse(USING, Lease(1, "token", 1, TTL_US), 0.0)
    pulse.ends_at, pulse.end = 10.0, lambda: ended.append("first")
    assert pulse.take_end(9.0) is None
    end_first = pulse.take_end(11.0)
    pulse.ends_at, pulse.end = 20.0, lambda: ended.append("second")
    assert end_first is not None
    end_first()
    assert ended == ["first"]
    assert pulse.take_end(12.0) is None
    assert pulse.take_end(21.0) is pulse.end
    assert pulse.take_end(22.0) is None
