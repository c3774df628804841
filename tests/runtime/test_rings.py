"""Which events ring. On PostgreSQL a thread that was rung for just now, by an event, is not rung for again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from botstate import Bot
from botstate.models import Thread, Turn
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.desk import RunAll
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

SECOND_US = 1_000_000


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every ring of the doorbell: the thread."""
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append(thread_id))
    return rung


@pytest.fixture(autouse=True)
def handled(make_bot: Callable[..., Bot]) -> list[str]:
    """What a bot that queues has handled."""
    bot = make_bot(on_lock_conflict="queue")
    handled: list[str] = []

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        handled.append(message.text)
        if message.text == "fail":
            raise ValueError

    return handled


def say(slack: SlackSender, text: str) -> None:
    slack.message(ts=f"2.{Turn.objects.count()}", thread_ts="1.0", text=text)


def pass_seconds(count: int) -> None:
    Thread.objects.update(rung_us=F("rung_us") - count * SECOND_US)


@pytest.mark.needs("postgresql")
def test_the_events_of_a_burst_ring_once_and_all_of_them_run(
    slack: SlackSender, rung: list[int], run_all: RunAll, handled: list[str]
) -> None:
    for text in "abcd":
        say(slack, text)
    assert rung == [Thread.objects.get().pk]
    assert run_all() == [Drained.IDLE]
    assert handled == [*"abcd"]


def test_an_event_rings_once_the_ring_before_is_a_second_old(slack: SlackSender, rung: list[int]) -> None:
    say(slack, "a")
    pass_seconds(2)
    say(slack, "b")
    assert len(rung) == 2


def test_an_event_rings_where_the_clock_went_back(slack: SlackSender, rung: list[int]) -> None:
    say(slack, "a")
    pass_seconds(-2)
    say(slack, "b")
    assert len(rung) == 2


def test_an_event_rings_once_the_worker_that_heard_the_ring_before_has_left(
    slack: SlackSender, rung: list[int], run_all: RunAll, handled: list[str]
) -> None:
    for text in "abc":
        say(slack, text)
        run_all()
    assert (handled, len(rung)) == ([*"abc"], 3)


def test_an_event_rings_after_a_worker_that_found_nothing(slack: SlackSender, rung: list[int]) -> None:
    say(slack, "a")
    Turn.objects.update(status="done", finished_us=1)
    assert run_thread(Thread.objects.get().pk) == Drained.IDLE
    say(slack, "b")
    assert len(rung) == 2


def test_an_event_rings_behind_a_turn_that_failed(slack: SlackSender, rung: list[int], run_all: RunAll) -> None:
    say(slack, "fail")
    run_all()
    rung.clear()
    say(slack, "b")
    assert len(rung) == 1


def test_an_event_that_comes_while_a_turn_runs_is_seen_by_its_worker(
    slack: SlackSender, rung: list[int], make_bot: Callable[..., Bot], run_all: RunAll
) -> None:
    bot = make_bot(on_lock_conflict="queue")
    ran: list[str] = []

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ran.append(message.text)
        if message.text == "a":
            say(slack, "b")

    say(slack, "a")
    assert run_all() == [Drained.IDLE]
    assert ran == ["a", "b"]
