"""Turns that run beside the others of their thread."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.exceptions import TurnSuperseded
from botstate.models import Thread as ThreadRow
from botstate.models import ThreadState, Turn
from botstate.runtime import worker
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.busy import Doors, Elsewhere, only_thread, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """Every ring of the doorbell: the thread, and the delay in seconds."""
    rung: list[tuple[int, float]] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append((thread_id, delay_s)))
    return rung


@pytest.mark.django_db(transaction=True)
def test_parallel_turns_run_beside_each_other_and_lose_no_state(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi
) -> None:
    doors = Doors()
    doors.keep("1", "2")
    bot = make_bot(on_lock_conflict="parallel")

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        doors.pass_through(thread, message)
        thread.post(f"did {message.text}")

    send(slack, "1", "2")
    first, second = Elsewhere(only_thread()), Elsewhere(only_thread())
    assert doors.entered["1"].wait(10)
    assert doors.entered["2"].wait(10)
    assert statuses() == ["running", "running"]
    doors.open["2"].set()
    wait_until(lambda: doors.log == ["2"], "the second", 10)
    doors.open["1"].set()
    assert {first.join(), second.join()} <= {Drained.IDLE, Drained.BUSY_ELSEWHERE}
    run_thread(only_thread())
    assert statuses() == ["done", "done"]
    assert ThreadState.objects.get().value in ('{"1":true,"2":true}', '{"2":true,"1":true}')
    assert sorted(call.arguments["text"] for call in slack_api.calls) == ["did 1", "did 2"]
    assert ThreadRow.objects.get().ring_us is None


def test_a_parallel_turn_whose_worker_died_runs_again(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    ran = []
    bot = make_bot(on_lock_conflict="parallel", lock_ttl="30s")

    @bot.on_message
    def dies(thread: Any, message: Any) -> None:
        ran.append(thread.turn.attempt)
        if thread.turn.attempt == 1:
            Turn.objects.get().lease.__class__.objects.update(token="another's")
            raise TurnSuperseded

    send(slack, "1")
    run_all()
    assert statuses() == ["running"]
    assert ThreadRow.objects.get().ring_us, "it is rung for when its lease ends"
    assert run_all() == [Drained.IDLE]
    assert ran == [1]
    Turn.objects.get().lease.__class__.objects.update(expires_us=1)
    run_all()
    assert ran == [1, 2]
    assert statuses() == ["done"]


def test_a_parallel_turn_that_fails_is_tried_again_and_dead_in_the_end(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot(on_lock_conflict="parallel", max_attempts=2)

    @bot.on_message
    def fails(thread: Any, message: Any) -> None:
        raise RuntimeError

    send(slack, "1")
    run_all()
    assert statuses() == ["failed"]
    Turn.objects.update(due_us=0)
    run_all()
    assert statuses() == ["dead"]


def test_turns_that_ran_beside_the_others_are_not_left_by_a_release_that_queues(
    make_bot: Callable[..., Bot], slack: SlackSender, rung: list[tuple[int, float]]
) -> None:
    make_bot(on_lock_conflict="parallel").on_message(lambda thread, message: None)
    send(slack, "1", "2")
    ran: list[str] = []
    make_bot(on_lock_conflict="queue").on_message(lambda thread, message: ran.append(message.text))
    send(slack, "3")
    rung.clear()
    assert run_thread(only_thread()) == Drained.IDLE
    while rung:
        rung.clear()
        assert run_thread(only_thread()) == Drained.IDLE
    assert sorted(ran) == ["1", "2", "3"]
    assert statuses() == ["done"] * 3
    assert ThreadRow.objects.get().ring_us is None


@pytest.mark.django_db(transaction=True)
def test_force_ends_what_runs_beside_the_others_too(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi
) -> None:
    doors = Doors()
    doors.keep("1")
    bot = make_bot(on_lock_conflict=lambda thread, message: "parallel" if message.text == "1" else "force")

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        doors.pass_through(thread, message)
        thread.post(f"did {message.text}")

    send(slack, "0", "1")
    beside = Elsewhere(only_thread())
    assert doors.entered["1"].wait(10)
    send(slack, "2")
    assert statuses() == ["superseded", "superseded", "waiting"]
    doors.open["1"].set()
    beside.join()
    run_thread(only_thread())
    assert statuses() == ["superseded", "superseded", "done"]
    assert ThreadState.objects.get().value == '{"2":true}'
    assert [call.arguments["text"] for call in slack_api.calls] == ["did 2"]


def test_a_worker_that_is_told_to_stop_begins_no_other_turn_beside(
    make_bot: Callable[..., Bot], slack: SlackSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    bot = make_bot(on_lock_conflict="parallel")

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ran.append(message.text)
        monkeypatch.setattr(worker, "is_stopping", lambda: True)

    send(slack, "1", "2")
    assert run_thread(only_thread()) == Drained.UNFINISHED
    assert ran == ["1"]
    assert statuses() == ["done", "waiting"]
