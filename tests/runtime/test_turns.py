"""Turns: run in order, stored as a whole or not at all, tried again, dead in the end."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.exceptions import StateInvalid, StoreUnavailable, TurnSuperseded
from botstate.models import Delivery, Receipt, Thread, ThreadLease, ThreadState, Turn
from botstate.runtime.turn_run import TurnRun
from botstate.runtime.worker import Drained, run_threads
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


class Flow(pydantic.BaseModel):
    stage: str = "new"
    count: int = 0


@pytest.fixture
def bot(make_bot: Callable[..., Bot]) -> Bot:
    return make_bot(state=Flow, on_lock_conflict="queue")


def make_due() -> None:
    """Let every backoff be over."""
    Turn.objects.update(due_us=0)
    Delivery.objects.update(due_us=0)


def test_a_turn_writes_state_and_posts_when_it_ends(
    bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    seen = []

    @bot.on_mention
    def greet(thread: Any, message: Any) -> None:
        seen.append((message.text, message.user, message.id, message.is_mention, thread.turn.attempt))
        thread.set_state(stage="greeted", count=thread.state().count + 1)
        assert thread.state() == Flow(stage="greeted", count=1)
        thread.post("Hello")
        assert not slack_api.calls

    slack.mention(ts="1.0")
    assert run_all() == [Drained.IDLE]
    assert seen == [("<@W111> Hi there!", "W222", "1.0", True, 1)]
    assert ThreadState.objects.get().value == '{"stage":"greeted","count":1}'
    assert Turn.objects.get().status == "done"
    (call,) = slack_api.calls
    assert (call.method, call.arguments["channel"], call.arguments["thread_ts"]) == ("chat.postMessage", "C111", "1.0")
    assert Delivery.objects.get().status == "sent"
    assert Thread.objects.get().ring_us is None
    assert ThreadLease.objects.get().token == ""


def test_async_handlers_run_too(bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> None:
    @bot.on_mention
    async def greet(thread: Any, message: Any) -> None:
        thread.set_state(stage="greeted")
        thread.post("Hello")

    slack.mention()
    run_all()
    assert [call.arguments["text"] for call in slack_api.calls] == ["Hello"]


def test_turns_of_a_thread_run_in_the_order_of_arrival(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    ran: list[str] = []
    bot.on_message(lambda thread, message: ran.append(message.id))
    for number in range(5):
        slack.message(ts=f"1.{number}", thread_ts="1.0")
    run_all()
    assert ran == [f"1.{number}" for number in range(5)]


def test_mentions_go_to_on_message_while_there_is_no_on_mention(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    ran: list[bool] = []
    bot.on_message(lambda thread, message: ran.append(message.is_mention))
    slack.mention()
    run_all()
    assert ran == [True]


def test_a_turn_that_fails_changes_and_posts_nothing_and_is_tried_again(
    bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, caplog: pytest.LogCaptureFixture
) -> None:
    @bot.on_mention
    def flaky(thread: Any, message: Any) -> None:
        thread.set_state(stage="half done")
        thread.post("half done")
        if thread.turn.attempt == 1:
            raise RuntimeError(message.text)

    slack.mention()
    with caplog.at_level(logging.DEBUG):
        run_all()
    turn = Turn.objects.get()
    assert (turn.status, turn.attempts, turn.error_type) == ("failed", 1, "RuntimeError")
    assert turn.error_place.startswith("test_turns.py:")
    assert turn.error_place.endswith(" in flaky")
    assert "Hi there" not in caplog.text + turn.error_place
    assert not ThreadState.objects.exists()
    assert not slack_api.calls
    assert Thread.objects.get().ring_us == turn.due_us

    make_due()
    run_all()
    assert Turn.objects.get().status == "done"
    assert ThreadState.objects.get().value == '{"stage":"half done","count":0}'
    assert len(slack_api.calls) == 1


def test_a_turn_that_keeps_failing_is_dead_and_lets_the_next_one_run(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot(on_lock_conflict="queue", max_attempts=2)

    @bot.on_message
    def poison(thread: Any, message: Any) -> None:
        if message.id == "1.0":
            raise ValueError

    slack.message(ts="1.0")
    slack.message(ts="1.1", thread_ts="1.0")
    run_all()
    assert [turn.status for turn in Turn.objects.order_by("sequence")] == ["failed", "waiting"]
    make_due()
    run_all()
    first, second = Turn.objects.order_by("sequence")
    assert (first.status, first.attempts, second.status) == ("dead", 2, "done")


def test_a_turn_whose_worker_died_runs_again_and_is_dead_after_the_last_attempt(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot(max_attempts=2)
    attempts: list[int] = []
    bot.on_message(lambda thread, message: attempts.append(thread.turn.attempt))
    slack.message(ts="1.0")
    Turn.objects.update(status="running", attempts=1)
    run_all()
    assert attempts == [2]
    Turn.objects.update(status="running", attempts=2)
    run_all()
    turn = Turn.objects.get()
    assert (turn.status, turn.reason) == ("dead", "its worker died")
    assert attempts == [2]


def test_invalid_state_raises_in_the_handler_and_stores_nothing(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    caught = []

    @bot.on_mention
    def wrong(thread: Any, message: Any) -> None:
        thread.set_state(stage="fine")
        with pytest.raises(StateInvalid) as error:
            thread.set_state(count="many")
        caught.append(error.value.errors[0]["loc"])

    slack.mention()
    run_all()
    assert caught == [("count",)]
    assert ThreadState.objects.get().value == '{"stage":"fine","count":0}'


def test_a_bot_that_is_gone_leaves_its_threads_waiting(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    from botstate.runtime.registry import bots

    make_bot().on_message(lambda thread, message: None)
    slack.message()
    bots.remove("helper")
    assert run_all() == [Drained.IDLE]
    assert Turn.objects.get().status == "waiting"
    assert Thread.objects.get().ring_us is not None


def test_two_changes_of_different_fields_both_survive(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    @bot.on_mention
    def slow(thread: Any, message: Any) -> None:
        thread.set_state(stage="changed here")
        ThreadState.objects.update_or_create(
            pk=Thread.objects.get().pk,
            defaults={"value": '{"stage":"new","count":41}', "version": 9, "updated_us": 1},
        )

    slack.mention()
    run_all()
    state = ThreadState.objects.get()
    assert (state.value, state.version) == ('{"stage":"changed here","count":41}', 10)


def test_an_event_that_cannot_be_read_ends_dead_and_not_for_ever(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    make_bot(max_attempts=1).on_message(lambda thread, message: None)
    slack.message()
    Turn.objects.update(event='{"kind": "from another release"}')
    assert run_all() == [Drained.IDLE]
    assert Turn.objects.get().status == "dead"


def test_a_thread_that_breaks_does_not_keep_the_others_from_running(bot: Bot, slack: SlackSender) -> None:
    bot.on_message(lambda thread, message: None)
    for number in range(3):
        slack.message(ts=f"{number}.0")
    first, second, third = Thread.objects.order_by("pk")
    Thread.objects.filter(pk=second.pk).update(platform="none such")
    ends = run_threads([first.pk, second.pk, third.pk])
    assert list(ends.values()) == [Drained.IDLE, Drained.BROKEN, Drained.IDLE]


def test_a_commit_whose_answer_is_lost_ends_the_turn_once(
    bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    @bot.on_mention
    def greet(thread: Any, message: Any) -> None:
        ran.append(thread.turn.attempt)
        thread.post("Hello")

    store = TurnRun._store

    def commits_and_loses_the_answer(*arguments: Any) -> Any:
        store(*arguments)
        raise StoreUnavailable

    monkeypatch.setattr(TurnRun, "_store", commits_and_loses_the_answer)
    slack.mention()
    for _ in range(3):
        run_all()
        make_due()
    assert ran == [1]
    assert Turn.objects.get().status == "done"
    assert len(slack_api.calls) == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, TurnSuperseded])
def test_a_handler_that_ends_in_an_odd_way_has_failed(bot: Bot, slack: SlackSender, error: type[BaseException]) -> None:
    @bot.on_message
    async def odd(thread: Any, message: Any) -> None:
        if message.id == "1.0":
            raise error

    slack.message(ts="1.0")
    slack.message(ts="2.0")
    ends = run_threads(Thread.objects.order_by("pk").values_list("pk", flat=True))
    assert set(ends.values()) == {Drained.IDLE}
    assert [turn.status for turn in Turn.objects.order_by("pk")] == ["failed", "done"]


def test_what_nothing_handles_leaves_a_receipt_and_drops_nobody(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    ran: list[str] = []
    make_bot().on_mention(lambda thread, message: ran.append(message.id))
    slack.message(ts="1.1", thread_ts="1.0")
    slack.mention(ts="1.2", thread_ts="1.0")
    run_all()
    assert ran == ["1.2"]
    ignored = [receipt.ignored for receipt in Receipt.objects.order_by("identity")]
    assert ignored == ["the bot has no handler for it", ""]


def test_an_expected_version_is_held_until_the_state_is_stored(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    @bot.on_mention
    def careful(thread: Any, message: Any) -> None:
        if thread.turn.attempt == 1:
            thread.set_state(stage="mine", expected_version=0)
            ThreadState.objects.create(pk=Thread.objects.get().pk, value='{"stage":"theirs"}', version=1, updated_us=1)

    slack.mention()
    run_all()
    assert Turn.objects.get().error_type == "StateConflict"
    assert ThreadState.objects.get().value == '{"stage":"theirs"}'


def test_the_place_of_an_error_is_the_handlers_own_line(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    bot.on_mention(lambda thread, message: json.loads("{"))
    slack.mention()
    run_all()
    assert Turn.objects.get().error_place.startswith("test_turns.py:")
