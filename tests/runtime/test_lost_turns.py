"""Turns whose lease was lost: nothing of theirs begins any more, and what hangs is stopped all the same."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.db.clock import now_us
from botstate.exceptions import StoreUnavailable
from botstate.models import Delivery, ThreadLease, TurnLease
from botstate.runtime import turn_run, worker
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.busy import Elsewhere, only_thread, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: None)


class Freezer:
    """Lets a worker stand still right after the step `name` of it, once, until another worker is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._real = getattr(worker, name)
        self._leases = ThreadLease.objects if name == "begin" else TurnLease.objects
        self.other: Drained | None = None
        monkeypatch.setattr(worker, name, self._step)

    def _step(self, using: str, thread_id: int, bot: Bot) -> Any:
        taken = self._real(using, thread_id, bot)
        if self.other is None:
            self.other = Drained.BROKEN
            wait_until(lambda: self._leases.get().expires_us < now_us(using), "the end of its lease", 10)
            # The other worker's lease is one that a busy machine does not outlast.
            bot.lock_ttl_us = 60_000_000
            self.other = Elsewhere(thread_id).join()
        return taken


def test_a_worker_that_stood_still_once_it_had_the_lease_sends_nothing(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = make_bot()
    bot.on_message(lambda thread, message: thread.post("hello"))
    send(slack, "1")
    run_thread(only_thread())
    # As a worker leaves it that dies before it sends.
    Delivery.objects.update(status="waiting", due_us=0)
    bot.lock_ttl_us = 300_000
    frozen = Freezer(monkeypatch, "begin")
    assert run_thread(only_thread()) == Drained.SUPERSEDED
    assert frozen.other == Drained.IDLE
    assert len(slack_api.calls) == 2, "the first worker's, and the other's"


@pytest.mark.parametrize(
    ("policy", "step"),
    [("queue", "begin"), ("parallel", "start_turn_beside")],
)
def test_a_worker_that_stood_still_once_it_had_the_turn_calls_no_handler(
    make_bot: Callable[..., Bot],
    slack: SlackSender,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    step: str,
) -> None:
    attempts = []
    bot = make_bot(on_lock_conflict=policy, lock_ttl="300ms")
    bot.on_message(lambda thread, message: attempts.append(thread.turn.attempt))
    send(slack, "1")
    frozen = Freezer(monkeypatch, step)
    run_thread(only_thread())
    assert frozen.other == Drained.IDLE
    assert attempts == [2]
    assert statuses() == ["done"]


class Hanging:
    """An async handler that hangs on a message "1" until it is cancelled; then it ends, as if nothing had been."""

    def __init__(self, bot: Bot) -> None:
        self.log: list[str] = []
        self._bot = bot
        bot.on_message(self.first)
        bot.on_message(self.second)

    async def first(self, thread: Any, message: Any) -> None:
        if message.text != "1":
            return
        self.log.append("entered")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.log.append(f"cancelled, superseded {thread.turn.superseded}")

    async def second(self, thread: Any, message: Any) -> None:
        self.log.append(f"second {message.text}")


def test_no_further_handler_is_called_once_the_turn_has_run_for_too_long(
    make_bot: Callable[..., Bot], slack: SlackSender
) -> None:
    hanging = Hanging(make_bot(turn_timeout="200ms", max_attempts=1))
    send(slack, "1")
    assert run_thread(only_thread()) == Drained.SUPERSEDED
    assert hanging.log == ["entered", "cancelled, superseded True"]
    assert statuses() == ["dead"]


def test_a_handler_that_was_forced_out_is_stopped_when_its_time_is_over(
    make_bot: Callable[..., Bot], slack: SlackSender
) -> None:
    hanging = Hanging(make_bot(on_lock_conflict="force", turn_timeout=2, lock_ttl=60))
    send(slack, "1")
    first = Elsewhere(only_thread())
    wait_until(lambda: bool(hanging.log), "the handler", 10)
    send(slack, "2")
    assert run_thread(only_thread()) == Drained.IDLE
    assert first.join() == Drained.SUPERSEDED
    assert hanging.log == ["entered", "second 2", "cancelled, superseded True"]
    assert statuses() == ["superseded", "done"]


def test_a_handler_whose_lease_ended_is_stopped_when_its_time_is_over(
    make_bot: Callable[..., Bot], slack: SlackSender
) -> None:
    hanging = Hanging(make_bot(turn_timeout=2, lock_ttl="300ms"))
    send(slack, "1")
    first = Elsewhere(only_thread())
    wait_until(lambda: bool(hanging.log), "the handler", 10)
    ThreadLease.objects.update(token="another's", expires_us=now_us("default") + 60_000_000)
    assert first.join() == Drained.SUPERSEDED
    assert hanging.log == ["entered", "cancelled, superseded True"]
    assert statuses() == ["running"], "it is the other's to end"


def test_a_handler_is_stopped_in_time_while_the_database_fails(
    make_bot: Callable[..., Bot], slack: SlackSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Hanging(make_bot(turn_timeout="200ms", lock_ttl=60))

    def fail(*args: Any, **options: Any) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(turn_run, "end_timed_out", fail)
    send(slack, "1")
    run_thread(only_thread())
    assert hanging.log == ["entered", "cancelled, superseded True"]
    assert statuses() == ["failed"]
