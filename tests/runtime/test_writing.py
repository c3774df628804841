"""What a turn writes: at its end, or at once; and changing what was posted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.exceptions import StateConflict, TurnSuperseded
from botstate.models import ActionSnapshot, Delivery, ThreadLease, ThreadState, Turn
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Message, Section
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


def calls(api: SlackWebApi) -> list[tuple[str, str]]:
    """Return what was asked of Slack: the method and the text."""
    return [(call.method, str(call.arguments.get("text", ""))) for call in api.calls]


def make_due() -> None:
    Turn.objects.update(due_us=0)
    Delivery.objects.update(due_us=0)


def test_state_that_is_cleared_reads_as_before_the_first_change(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    seen: list[Any] = []
    bot = make_bot()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        seen.append((thread.state(), thread.state_version))
        if message.text == "set":
            thread.set_state(a=1)
        if message.text == "clear":
            thread.clear_state(expected_version=1)
            assert thread.state() == {}
        if message.text == "again":
            thread.clear_state()
            thread.set_state(b=2)
            assert thread.state() == {"b": 2}

    for number, text in enumerate(["set", "clear", "look", "again", "look"]):
        slack.message(ts=f"9.{number}", thread_ts="1.0", text=text)
        run_all()
    assert seen == [({}, 0), ({"a": 1}, 1), ({}, 2), ({}, 2), ({"b": 2}, 3)]
    assert ThreadState.objects.get().version == 3


def test_a_version_that_was_expected_and_is_not_there(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        for change in (
            lambda: thread.set_state(a=1, expected_version=7),
            lambda: thread.clear_state(expected_version=7),
            lambda: thread.replace_state({}, expected_version=7),
            lambda: thread.update_state(dict, expected_version=7),
        ):
            with pytest.raises(StateConflict, match="version 0, not 7"):
                change()

    slack.message()
    run_all()
    assert Turn.objects.get().status == "done"
    assert not ThreadState.objects.exists()


def test_a_post_is_changed_before_it_is_sent(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        first, second = thread.post("first"), thread.post("second")
        thread.post("third")
        assert thread.update(first, "FIRST") == first
        thread.delete(second)

    slack.message()
    run_all()
    assert calls(slack_api) == [("chat.postMessage", "FIRST"), ("chat.postMessage", "third")]


def test_a_post_of_an_earlier_turn_is_changed_by_its_id(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        if message.text == "post":
            thread.set_state(card=thread.post("Working").id, other=thread.post("Other").id)
        else:
            thread.update(thread.state()["card"], "Half done")
            thread.update(thread.state()["card"], "Done")
            thread.delete(thread.state()["other"])

    slack.message(ts="9.1", thread_ts="1.0", text="post")
    run_all()
    slack.message(ts="9.2", thread_ts="1.0", text="change")
    run_all()
    assert calls(slack_api)[2:] == [("chat.update", "Done"), ("chat.delete", "")]
    posted = [call.answer["ts"] for call in slack_api.calls[:2]]
    assert [call.arguments["ts"] for call in slack_api.calls[2:]] == posted
    assert {row.status for row in Delivery.objects.all()} == {"sent"}


def test_what_was_never_sent_or_is_anothers_cannot_be_changed(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        if message.text == "post":
            thread.post("mine")
        else:
            thread.update("#" + str(Delivery.objects.earliest("pk").pk), "yours")
            thread.delete("123456.0")
            with pytest.raises(ValueError, match=r"thread\.post"):
                thread.update("nonsense", "x")

    slack.message(ts="1.0", text="post")
    run_all()
    slack.message(ts="2.0", text="change")
    run_all()
    assert calls(slack_api) == [("chat.postMessage", "mine")]
    assert [row.status for row in Delivery.objects.order_by("pk")] == ["sent", "failed", "failed"]
    assert {turn.status for turn in Turn.objects.all()} == {"done"}, "a turn does not fail with its posts"


def test_a_click_changes_the_message_that_was_clicked(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot()
    clicked = []

    def take(thread: Any, click: Any) -> None:
        clicked.append(click.value)
        thread.update(click.message, Card(step=click.value + 1))

    @bot.component
    def Card(step: int) -> Any:
        return Message(Section(f"Step {step}"), Actions(Button("Next", on_click=take, value=step, key="next")))

    bot.on_message(lambda thread, message: thread.post(Card(step=1)))
    slack.message()
    run_all()
    (posted,) = slack_api.done("chat.postMessage")
    for number in range(2):
        control = ActionSnapshot.objects.latest("pk")
        slack.click(posted.answer["ts"], control.action_id, trigger_id=f"click {number}")
        run_all()
    assert clicked == [1, 2], "the updated message's control is found by the message's old name"
    assert [method for method, _ in calls(slack_api)] == ["chat.postMessage", "chat.update", "chat.update"]


def test_without_atomic_turns_each_write_is_there_at_once(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot(atomic_turns=False)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        thread.set_state(step=1)
        assert ThreadState.objects.get().value == '{"step":1}'
        posted = thread.post("Working")
        assert calls(slack_api) == [("chat.postMessage", "Working")]
        thread.update(posted, "Done")
        assert calls(slack_api)[1:] == [("chat.update", "Done")]
        thread.set_state(step=2, expected_version=1)
        assert thread.state() == {"step": 2}
        with pytest.raises(StateConflict):
            thread.set_state(step=3, expected_version=1)
        assert thread.state() == {"step": 2}

    slack.message()
    run_all()
    assert Turn.objects.get().status == "done"
    assert ThreadState.objects.get().value == '{"step":2}'


def test_without_atomic_turns_a_turn_that_runs_again_posts_nothing_twice(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, caplog: Any
) -> None:
    bot = make_bot(atomic_turns=False)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        thread.post("Hello")
        thread.post(f"attempt {thread.turn.attempt}")
        if thread.turn.attempt == 1:
            raise RuntimeError
        thread.post("Bye")

    slack.message()
    run_all()
    make_due()
    run_all()
    assert [text for _, text in calls(slack_api)] == ["Hello", "attempt 1", "Bye"]
    assert "would post something else" in caplog.text
    assert "attempt 2" not in caplog.text.replace("attempt 2 ", "")


def test_without_atomic_turns_a_turn_that_lost_its_thread_changes_nothing(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot(atomic_turns=False)
    refused = []

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ThreadLease.objects.update(token="another's")
        for change in (lambda: thread.set_state(a=1), lambda: thread.post("late")):
            with pytest.raises(TurnSuperseded):
                change()
            refused.append(change)

    slack.message()
    assert run_all() == [Drained.SUPERSEDED]
    assert len(refused) == 2
    assert not ThreadState.objects.exists()
    assert not Delivery.objects.exists()
    assert not slack_api.calls


@pytest.mark.parametrize("atomic", [True, False])
def test_async_handlers_await_the_twins(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, atomic: bool
) -> None:
    bot = make_bot(atomic_turns=atomic)

    @bot.on_message
    async def handle(thread: Any, message: Any) -> None:
        await thread.aset_state(step=1)
        await thread.aupdate_state(lambda state: {**state, "more": True})
        posted = await thread.apost("Working")
        await thread.aupdate(posted, "Done")
        await thread.adelete(await thread.apost("Never mind"))
        await thread.apost_ephemeral("Psst", user="U1")
        assert thread.state() == {"step": 1, "more": True}
        await thread.aclear_state()
        await thread.areplace_state({"step": 2})

    slack.message()
    run_all()
    assert Turn.objects.get().status == "done"
    assert ThreadState.objects.get().value == '{"step":2}'
    at_once = ["chat.postMessage", "chat.update", "chat.postMessage", "chat.delete", "chat.postEphemeral"]
    assert [method for method, _ in calls(slack_api)] == (
        ["chat.postMessage", "chat.postEphemeral"] if atomic else at_once
    )


def test_a_method_that_would_block_the_loop_names_its_twin(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot(atomic_turns=False)

    @bot.on_message
    async def handle(thread: Any, message: Any) -> None:
        for name, arguments in (("post", ["x"]), ("set_state", [{}]), ("clear_state", []), ("delete", ["1.0"])):
            with pytest.raises(SynchronousOnlyOperation, match=rf"thread\.a{name}"):
                getattr(thread, name)(*arguments)

    slack.message()
    run_all()
    assert Turn.objects.get().status == "done"
