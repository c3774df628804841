"""Messages that may be sent once at most, and those that may be sent again."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import RATE_LIMITED, Fault, SlackWebApi
from botstate import Bot
from botstate.models import Delivery, Turn
from botstate.runtime.worker import Drained
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


def calls(api: SlackWebApi) -> list[tuple[str, str]]:
    """Return what was asked of Slack: the method and the text."""
    return [(call.method, str(call.arguments.get("text", ""))) for call in api.calls]


def make_due() -> None:
    Turn.objects.update(due_us=0)
    Delivery.objects.update(due_us=0)


def test_at_most_once_gives_up_what_was_perhaps_sent(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    make_bot(delivery="at_most_once").on_message(lambda thread, message: thread.post(message.text))
    slack.message(ts="1.0", text="first")
    run_all()
    # The next worker's finds: a message that was begun, and another one behind it.
    Delivery.objects.update(status="sending", due_us=0)
    slack.message(ts="2.0", thread_ts="1.0", text="second")
    run_all()
    assert [text for _, text in calls(slack_api)] == ["first", "second"]
    first, second = Delivery.objects.order_by("pk")
    assert (first.status, first.error, second.status) == ("failed", "perhaps_sent", "sent")


@pytest.mark.parametrize(
    ("options", "fault", "expected"),
    [
        ({"delivery": "at_most_once"}, Fault("x", status=500), "failed"),
        ({"delivery": "at_most_once"}, RATE_LIMITED, "sent"),
        ({}, Fault("x", status=500), "sent"),
    ],
)
def test_what_may_have_been_sent_is_tried_again_only_if_twice_is_allowed(
    sender: "Sender", options: dict[str, Any], fault: Fault, expected: str
) -> None:
    assert sender.send(options, fault) == expected


class Sender:
    """Posts one message, whose first attempt fails."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, api: SlackWebApi, run_all: RunAll) -> None:
        self._make_bot = make_bot
        self._slack = slack
        self._api = api
        self._run_all = run_all

    def send(self, options: dict[str, Any], fault: Fault) -> str:
        """Return the message's status after a second attempt, if there is one."""
        self._make_bot(**options).on_message(lambda thread, message: thread.post("Hello"))
        self._api.fail_next(fault)
        self._slack.message()
        self._run_all()
        make_due()
        self._run_all()
        return Delivery.objects.get().status


@pytest.fixture
def sender(make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> Sender:
    return Sender(make_bot, slack, slack_api, run_all)


def test_a_deleted_message_is_not_brought_back_by_a_change(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        if message.text == "post":
            thread.set_state(card=thread.post("Card").id)
        else:
            thread.delete(thread.state()["card"])
            thread.update(thread.state()["card"], "Changed")

    slack.message(ts="9.1", thread_ts="1.0", text="post")
    run_all()
    slack.message(ts="9.2", thread_ts="1.0", text="delete")
    run_all()
    assert [delivery.kind for delivery in Delivery.objects.order_by("pk")] == ["post", "delete", "update"]


@pytest.mark.parametrize("posts", [False, True])
def test_a_turn_that_was_ended_meanwhile_is_not_done_after_all(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, posts: bool
) -> None:
    bot = make_bot()

    @bot.on_message
    def outlives_its_turn(thread: Any, message: Any) -> None:
        Turn.objects.update(status="superseded")
        if posts:
            thread.post("late")

    slack.message()
    run_all()
    assert Turn.objects.get().status == "superseded"
    assert not Delivery.objects.exists()
