"""Which clicks answer what a message asks: by their control, by when they came, and by who can go on."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import ActionSnapshot, Delivery, PendingChoice, Turn
from botstate.runtime.choices import end_overdue_choices
from botstate.runtime.interactions import CONSUMED_TEXT, EXPIRED_TEXT
from botstate.ui import Actions, Button, Message
from tests.runtime.desk import RunAll, told
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db


class Clerk:
    """A bot that asks, and what its handlers were told."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
        self.seen: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.make_bot = make_bot
        self.clicks = 0
        self.start()
        slack.message(ts="1.0")
        run_all()
        self.ref = Delivery.objects.get().ref

    def start(self, *, can_continue: bool = True, **options: Any) -> None:
        """Begin as a new release does."""
        bot = self.make_bot(on_lock_conflict="queue", **options)

        def decided(thread: Any, choice: Any) -> None:
            self.seen.append((choice.value, choice.is_timed_out))
            thread.update(choice.message, Message("Decided", Actions(Button("Undo", key="undo"))))

        self.decided = bot.on_choice(decided) if can_continue else decided
        bot.component(self.question, name="Question")
        bot.on_interaction("undo")(lambda thread, click: self.seen.append("undo"))
        bot.on_message(self.ask)
        self.bot = bot

    def question(self) -> Any:
        return Actions(Button("Yes", key="yes", value=1), Button("Info", on_click=self.info))

    def ask(self, thread: Any, message: Any) -> None:
        if message.text == "remind":
            reminder = Actions(Button("Yes", key="yes", value=2), Button("Undo", key="undo"))
            thread.update(thread.state()["asked"], reminder)
        else:
            question = self.bot.components["Question"]()
            thread.set_state(asked=thread.await_choice(question, then=self.decided, timeout="1h").id)

    def info(self, thread: Any, click: Any) -> None:
        self.seen.append("info")

    def accept_click(self, action_id: str) -> Turn:
        """Let a click come in, and nobody run it."""
        self.clicks += 1
        self.slack.click(self.ref, action_id, trigger_id=f"t{self.clicks}")
        return Turn.objects.latest("id")

    def click(self, action_id: str) -> None:
        self.accept_click(action_id)
        self.run_all()

    def set_end(self, expires_us: int) -> None:
        PendingChoice.objects.update(expires_us=expires_us)


@pytest.fixture
def clerk(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> Clerk:
    return Clerk(make_bot, slack, run_all)


def test_a_control_that_the_decision_brought_is_no_answer(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.click("yes")
    clerk.click("undo")
    assert clerk.seen == [(1, False), "undo"]
    assert told(slack_api) == []
    clerk.click("yes")
    assert told(slack_api) == [("W111", CONSUMED_TEXT)], "it stays what it was"


def test_a_control_that_an_update_brought_before_the_decision_is_no_answer(clerk: Clerk) -> None:
    clerk.slack.message(ts="1.1", thread_ts="1.0", text="remind")
    clerk.run_all()
    clerk.click("undo")
    assert PendingChoice.objects.get().answered_by is None
    clerk.click("yes")
    assert clerk.seen == ["undo", (2, False)]


def test_what_is_received_in_time_is_in_time_however_late_it_runs(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.set_end(clerk.accept_click("yes").received_us + 1)
    assert end_overdue_choices() == 0, "the answer waits to be run"
    clerk.run_all()
    assert clerk.seen == [(1, False)]
    assert end_overdue_choices() == 0
    assert told(slack_api) == []


def test_an_answer_that_has_failed_and_will_be_tried_again_is_waited_for(clerk: Clerk) -> None:
    seen, clerk.seen = clerk.seen, None  # type: ignore[assignment]
    turn = clerk.accept_click(ActionSnapshot.objects.get(label="Info").action_id)
    clerk.set_end(turn.received_us + 1)
    clerk.run_all()
    assert Turn.objects.get(pk=turn.pk).status == "failed"
    assert end_overdue_choices() == 0
    clerk.seen = seen
    Turn.objects.update(due_us=0)
    clerk.run_all()
    assert end_overdue_choices() == 1, "it was another control's"
    clerk.run_all()
    assert clerk.seen == ["info", (None, True)]


def test_what_is_received_too_late_is_neither_an_answer_nor_waited_for(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.set_end(clerk.accept_click("yes").received_us)
    assert end_overdue_choices() == 1
    clerk.run_all()
    assert clerk.seen == [(None, True)]
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_a_question_that_cannot_be_continued_stays_open(clerk: Clerk, slack_api: SlackWebApi) -> None:
    clerk.start(can_continue=False, max_attempts=2)
    clerk.click("yes")
    turn = Turn.objects.latest("id")
    assert (turn.status, turn.error_type) == ("failed", "LookupError"), "another process may have it"
    assert told(slack_api) == []
    Turn.objects.update(due_us=0)
    clerk.run_all()
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]
    clerk.start()
    clerk.click("yes")
    assert clerk.seen == [(1, False)]


@pytest.mark.parametrize(("key", "expected"), [("yes", 2), ("undo", 1)], ids=["asked", "not asked"])
def test_the_number_of_statements_about_a_choice(clerk: Clerk, key: str, expected: int) -> None:
    if key == "undo":
        PendingChoice.objects.all().delete()
        ActionSnapshot.objects.filter(action_id="yes").update(action_id="undo")
    turn = clerk.accept_click(key)
    with CaptureQueriesContext(connection) as queries:
        clerk.run_all()
    assert Turn.objects.get(pk=turn.pk).status == "done"
    assert sum("botstate_pendingchoice" in query["sql"] for query in queries) == expected
