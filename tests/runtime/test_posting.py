"""Posting: what can be shown is stored with the turn, what cannot raises, and no text reaches a log."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import Fault, SlackWebApi
from botstate import Bot
from botstate.exceptions import NotSerializable, TurnSuperseded
from botstate.models import Delivery, Turn
from botstate.runtime.worker import Drained
from botstate.ui import Component, Message
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture
def bot(make_bot: Callable[..., Bot]) -> Bot:
    return make_bot(on_lock_conflict="queue")


def test_props_that_are_not_json_raise_when_posting_and_nothing_is_posted(
    bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    card = Component("Card", lambda things: Message("x"))
    caught = []

    @bot.on_mention
    def wrong(thread: Any, message: Any) -> None:
        with pytest.raises(NotSerializable, match="'things' of component Card") as error:
            thread.post(card(things={1}))
        caught.append(error)

    slack.mention()
    run_all()
    assert caught
    assert Turn.objects.get().status == "done"
    assert not slack_api.calls


def test_a_post_after_the_turns_end_is_not_lost_in_silence(bot: Bot, slack: SlackSender, run_all: RunAll) -> None:
    threads: list[Any] = []
    bot.on_mention(lambda thread, message: threads.append(thread))
    slack.mention()
    run_all()
    with pytest.raises(TurnSuperseded, match="has ended"):
        threads[0].post("too late")


@pytest.mark.parametrize(
    ("ui", "error"),
    [
        (Component("Card", lambda: "x"), TypeError),
        (object(), TypeError),
        ([b"x"], TypeError),
        (Component("Card", lambda: iter("x"))(), TypeError),
        (None, ValueError),
        ([], ValueError),
    ],
    ids=["a component not called", "an object", "bytes", "a generator", "None", "an empty list"],
)
def test_what_cannot_be_shown_raises_when_posting(
    bot: Bot, slack: SlackSender, run_all: RunAll, ui: Any, error: type[Exception]
) -> None:
    caught = []

    @bot.on_mention
    def wrong(thread: Any, message: Any) -> None:
        with pytest.raises(error):
            thread.post(ui)
        caught.append(ui)

    slack.mention()
    run_all()
    assert len(caught) == 1


def test_no_messages_text_is_logged_whatever_slack_answers(
    bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, caplog: pytest.LogCaptureFixture
) -> None:
    bot.on_mention(lambda thread, message: thread.post("private words"))
    slack_api.fail_next(Fault("private words", status=403))
    slack.mention()
    with caplog.at_level(logging.DEBUG):
        run_all()
    assert Delivery.objects.get().error == "http_403"
    assert "private words" not in caplog.text
