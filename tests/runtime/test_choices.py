"""Waiting for a person: answered, answered twice, answered by nobody; with no process that waits."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import ActionSnapshot, PendingChoice, Thread, Turn
from botstate.runtime.choices import end_overdue_choices
from botstate.runtime.interactions import CONSUMED_TEXT, EXPIRED_TEXT
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Message, Section
from tests.runtime.desk import told
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


class Clerk:
    """A bot that asks whether to refund, and what it was told."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
        self.told: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.make_bot = make_bot
        self.timeout: str | None = "1h"
        self.clicks = 0
        self.start()

    def start(self) -> None:
        """Begin as a new process does."""
        self.bot = bot = self.make_bot(on_lock_conflict="queue")

        @bot.component
        def Question(ticket: int) -> Any:
            return Message(
                Section(f"Refund {ticket}?"), Actions(Button("Yes", key="yes", value=True), Button("No", key="no"))
            )

        @bot.on_choice
        def decided(thread: Any, choice: Any) -> None:
            self.told.append((choice.value, choice.args, choice.user, choice.is_timed_out, thread.state()))
            thread.update(choice.message, "Decided")

        @bot.on_message
        def ask(thread: Any, message: Any) -> None:
            thread.set_state(stage="asked")
            thread.await_choice(Question(ticket=7), then=decided, args={"ticket": 7}, timeout=self.timeout)

    def ask(self) -> None:
        self.slack.message(ts="1.0")
        self.run_all()

    def click(self, label: str, ref: str, user: str = "W9") -> None:
        self.clicks += 1
        control = ActionSnapshot.objects.get(label=label)
        self.slack.click(ref, control.action_id, trigger_id=f"t{self.clicks}", user={"id": user})
        self.run_all()


@pytest.fixture
def clerk(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> Clerk:
    return Clerk(make_bot, slack, run_all)


@pytest.mark.parametrize("restarted", [False, True])
def test_the_answer_continues_the_conversation(
    clerk: Clerk, slack_api: SlackWebApi, restart: Callable[[], None], restarted: bool
) -> None:
    clerk.ask()
    assert Turn.objects.get().status == "done", "no turn waits"
    if restarted:
        restart()
        clerk.start()
    clerk.click("Yes", slack_api.calls[0].ts)
    assert clerk.told == [(True, {"ticket": 7}, "W9", False, {"stage": "asked"})]
    assert [call.method for call in slack_api.calls] == ["chat.postMessage", "chat.update"]


def test_only_the_first_answer_counts(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.ask()
    ref = slack_api.calls[0].ts
    clerk.click("No", ref, user="W1")
    clerk.click("Yes", ref, user="W2")
    assert [answer[0] for answer in clerk.told] == [None]
    assert told(slack_api) == [("W2", CONSUMED_TEXT)]


def test_nobodys_answer_continues_it_too_and_comes_too_late_after_that(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.ask()
    assert end_overdue_choices() == 0
    PendingChoice.objects.update(expires_us=1)
    ref = slack_api.calls[0].ts
    clerk.click("Yes", ref)
    assert clerk.told == [], "its time was over"
    assert end_overdue_choices() == 1
    assert end_overdue_choices() == 0
    assert Thread.objects.get().ring_us is not None
    clerk.run_all()
    assert clerk.told == [(None, {"ticket": 7}, "", True, {"stage": "asked"})]
    clerk.click("Yes", ref)
    assert len(clerk.told) == 1
    assert told(slack_api) == [("W9", EXPIRED_TEXT)] * 2


def test_an_answer_whose_turn_fails_is_tried_again(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.ask()
    real, clerk.told = clerk.told, None  # type: ignore[assignment]
    clerk.click("Yes", slack_api.calls[0].ts)
    assert Turn.objects.latest("sequence").status == "failed"
    clerk.told = real
    Turn.objects.update(due_us=0)
    clerk.run_all()
    assert [answer[0] for answer in clerk.told] == [True]


def test_without_a_timeout_it_waits_for_ever(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.timeout = None
    clerk.ask()
    assert PendingChoice.objects.get().expires_us is None
    assert end_overdue_choices() == 0


def test_what_is_asked_for_longer_than_controls_are_kept_can_be_answered_for_as_long(clerk: Clerk) -> None:
    clerk.timeout = "30d"
    clerk.ask()
    assert {control.expires_us for control in ActionSnapshot.objects.all()} == {PendingChoice.objects.get().expires_us}


def test_what_cannot_be_answered_is_refused_when_it_is_asked(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot()
    refused = []

    @bot.on_choice
    def known(thread: Any, choice: Any) -> None:
        pass

    @bot.on_message
    def ask(thread: Any, message: Any) -> None:
        card = Actions(Button("Yes", key="yes"))
        for asked in (
            lambda: thread.await_choice(card, then=ask),
            lambda: thread.await_choice("Well?", then=known),
            lambda: thread.await_choice(card, then=known, timeout=0),
            lambda: thread.await_choice(card, then=known, args={1, 2}),
        ):
            with pytest.raises((ValueError, TypeError)) as error:
                asked()
            refused.append(str(error.value))

    slack.message()
    run_all()
    assert Turn.objects.get().status == "done"
    assert len(refused) == 4
    assert "on_choice" in refused[0]
    assert "handler" in refused[1]
    assert not PendingChoice.objects.exists()
