"""Running dead and dropped turns after all."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate import Bot
from botstate.models import Thread, Turn
from botstate.runtime.doorbell import doorbell
from botstate.runtime.replay import replay_turn
from botstate.runtime.worker import Drained
from tests.runtime.busy import let_quiet_periods_pass, send
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append(thread_id))
    return rung


def test_a_dead_turn_is_replayed_with_all_its_attempts(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, rung: list[int]
) -> None:
    ran: list[Any] = []
    bot = make_bot(max_attempts=1)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ran.append(thread.turn.attempt)
        if len(ran) == 1:
            raise RuntimeError

    slack.message()
    run_all()
    turn = Turn.objects.get()
    assert turn.status == "dead"
    assert Thread.objects.get().ring_us is None
    rung.clear()
    assert replay_turn("default", turn.pk)
    assert not replay_turn("default", turn.pk), "it waits already"
    assert rung == [turn.thread_id]
    assert Thread.objects.get().ring_us is not None
    run_all()
    turn.refresh_from_db()
    assert (ran, turn.status, turn.error_type, turn.error_place) == ([1, 1], "done", "", "")


def test_a_dropped_turn_is_replayed_alone(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
    ran: list[Any] = []
    bot = make_bot(on_lock_conflict="burst", max_waiting=1)
    bot.on_message(lambda thread, message: ran.append((message.text, len(message.skipped))))
    for number in (1, 2):
        slack.message(ts=f"9.{number}", thread_ts="1.0", text=str(number))
    dropped = Turn.objects.get(status="dropped")
    Turn.objects.update(due_us=0)
    assert replay_turn("default", dropped.pk)
    run_all()
    assert ran == [("1", 0), ("2", 0)]


@pytest.mark.parametrize("policy", ["debounce", "burst"])
def test_a_turn_that_stands_for_others_keeps_them_when_it_is_replayed(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, policy: str
) -> None:
    ran: list[Any] = []
    bot = make_bot(on_lock_conflict=policy, max_attempts=1)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ran.append((message.text, [other.text for other in message.skipped]))
        if len(ran) <= 2:
            raise RuntimeError

    send(slack, "1", "2", "3")
    let_quiet_periods_pass()
    run_all()
    send(slack, "4", "5")
    dead = Turn.objects.get(status="dead")
    for _ in range(2):
        assert replay_turn("default", dead.pk)
        run_all()
    assert ran == [("3", ["1", "2"])] * 3, "at once, and without what waits behind it"
    let_quiet_periods_pass()
    run_all()
    assert ran[3:] == [("5", ["4"])]


@pytest.mark.parametrize("status", ["waiting", "running", "failed", "done", "superseded"])
def test_no_other_turn_is_replayed(make_bot: Callable[..., Bot], slack: SlackSender, status: str) -> None:
    make_bot().on_message(lambda thread, message: None)
    slack.message()
    Turn.objects.update(status=status)
    assert not replay_turn("default", Turn.objects.get().pk)
    assert not replay_turn("default", 123456)
    assert Turn.objects.get().status == status
