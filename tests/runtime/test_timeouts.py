"""Turns that run for too long, processes that stood still, and workers that are told to stop."""

import asyncio
import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery, ThreadLease, ThreadState, Turn
from botstate.models import Thread as ThreadRow
from botstate.runtime import stopping, worker
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import Drained, run_thread, run_threads
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """Every ring of the doorbell: the thread, and the delay in seconds."""
    rung: list[tuple[int, float]] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append((thread_id, delay_s)))
    return rung


@pytest.fixture
def told_to_stop() -> Iterator[Callable[[], None]]:
    """What Celery does when it begins to shut a worker down."""
    yield stopping._stop
    stopping._flag[0] = 0


def only_thread() -> int:
    return int(ThreadRow.objects.get().pk)


@pytest.mark.django_db(transaction=True)
def test_a_coroutine_that_runs_for_too_long_is_cancelled(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    cancelled = []
    bot = make_bot(turn_timeout="200ms")

    @bot.on_message
    async def hangs(thread: Any, message: Any) -> None:
        thread.set_state(half=True)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(thread.turn.superseded)
            raise

    slack.message()
    assert run_thread(only_thread()) == Drained.SUPERSEDED
    assert cancelled == [True]
    turn = Turn.objects.get()
    assert (turn.status, turn.error_type) == ("failed", "TurnTimeoutError")
    assert turn.error_place.endswith("in hangs")
    assert not ThreadState.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_function_that_runs_for_too_long_is_fenced_off_and_its_thread_goes_on(
    make_bot: Callable[..., Bot], slack: SlackSender, rung: list[tuple[int, float]]
) -> None:
    refused, ran = [], []
    bot = make_bot(turn_timeout="200ms", max_attempts=1, on_lock_conflict="queue")

    @bot.on_message
    def hangs(thread: Any, message: Any) -> None:
        ran.append(message.text)
        if message.text == "next":
            return
        assert thread.turn._pulse.is_lost.wait(20)
        assert run_thread(only_thread()) == Drained.IDLE, "another takes the thread at once"
        for change in (lambda: thread.set_state(late=True), lambda: thread.post("late")):
            with pytest.raises(TurnSuperseded):
                change()
            refused.append(change)

    slack.message(text="hangs")
    slack.message(ts="1596183880.004201", thread_ts="1596183880.004200", text="next")
    assert run_thread(only_thread()) == Drained.SUPERSEDED
    assert ran == ["hangs", "next"]
    assert len(refused) == 2
    dead, done = Turn.objects.order_by("sequence")
    assert (dead.status, dead.error_type, done.status) == ("dead", "TurnTimeoutError", "done")
    assert "test_timeouts.py" in dead.error_place
    assert "in hangs" in dead.error_place
    assert not Delivery.objects.exists()
    assert (only_thread(), 0.0) in rung


def test_a_turn_that_ends_in_time_is_not_ended_again(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    bot = make_bot(turn_timeout="300ms", on_lock_conflict="queue")
    ran = []

    @bot.on_message
    def quick(thread: Any, message: Any) -> None:
        # Together they take longer than one may.
        Event().wait(0.2)
        ran.append(message.text)

    for number in range(3):
        slack.message(ts=f"9.{number}", thread_ts="1.0", text=str(number))
    assert run_thread(only_thread()) == Drained.IDLE
    assert ran == ["0", "1", "2"]
    assert {turn.status for turn in Turn.objects.all()} == {"done"}


def test_a_process_that_stood_still_knows_at_once_that_its_lease_is_over(
    make_bot: Callable[..., Bot], slack: SlackSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = make_bot(lock_ttl="30s")
    real = time.monotonic

    @bot.on_message
    def freezes(thread: Any, message: Any) -> None:
        assert not thread.turn.superseded
        monkeypatch.setattr(time, "monotonic", lambda: real() + 31)
        ThreadLease.objects.update(expires_us=1)
        assert thread.turn.superseded
        thread.post("late")

    slack.message()
    assert run_thread(only_thread()) == Drained.SUPERSEDED
    assert not Delivery.objects.exists()
    assert Turn.objects.get().status == "running", "whoever comes next runs it again"


def test_a_worker_that_is_told_to_stop_finishes_its_turn_and_hands_back_the_rest(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, told_to_stop: Callable[[], None]
) -> None:
    bot = make_bot(on_lock_conflict="queue")
    ran = []

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ran.append(message.text)
        told_to_stop()

    slack.message(ts="9.1", thread_ts="1.0", text="first")
    slack.message(ts="9.2", thread_ts="1.0", text="second")
    slack.message(ts="9.3", thread_ts="2.0", text="other")
    ids = list(ThreadRow.objects.order_by("pk").values_list("pk", flat=True))
    assert run_threads(ids) == dict.fromkeys(ids, Drained.UNFINISHED)
    assert ran == ["first"]
    assert [turn.status for turn in Turn.objects.order_by("pk")] == ["done", "waiting", "waiting"]
    stopping._flag[0] = 0
    assert run_threads(ids) == dict.fromkeys(ids, Drained.UNFINISHED)
    assert ran == ["first", "second"]


def test_threads_behind_a_slow_one_are_rung_for(
    make_bot: Callable[..., Bot], slack: SlackSender, rung: list[tuple[int, float]]
) -> None:
    bot = make_bot()

    @bot.on_message
    def slow(thread: Any, message: Any) -> None:
        if message.text == "slow":
            others = {pk for pk in ThreadRow.objects.values_list("pk", flat=True) if pk != only}
            deadline = time.monotonic() + 10
            while {thread_id for thread_id, _ in rung[3:]} != others:
                assert time.monotonic() < deadline
                Event().wait(0.01)

    slack.message(ts="1.0", text="slow")
    only = only_thread()
    slack.message(ts="2.0", text="quick")
    slack.message(ts="3.0", text="quick")
    ids = list(ThreadRow.objects.order_by("pk").values_list("pk", flat=True))
    assert set(run_threads(ids).values()) == {Drained.IDLE}


def test_a_retry_is_rung_for_when_it_is_due(
    make_bot: Callable[..., Bot], slack: SlackSender, rung: list[tuple[int, float]]
) -> None:
    bot = make_bot()

    @bot.on_message
    def fails(thread: Any, message: Any) -> None:
        raise RuntimeError

    slack.message()
    rung.clear()
    run_thread(only_thread())
    ((thread_id, delay_s),) = rung
    assert thread_id == only_thread()
    assert 0.2 < delay_s <= 1.0


def test_what_is_due_much_later_is_left_to_redeliver(
    make_bot: Callable[..., Bot], slack: SlackSender, rung: list[tuple[int, float]]
) -> None:
    make_bot(on_lock_conflict="burst", quiet_period="2m").on_message(lambda thread, message: None)
    slack.message()
    rung.clear()
    assert run_thread(only_thread()) == Drained.IDLE
    assert not rung
    ring_us = ThreadRow.objects.get().ring_us
    assert ring_us == Turn.objects.get().due_us
    assert worker.MAX_RING_AHEAD_US < 120_000_000
