"""What a control may not do any more it does in no other way; and what a handler raises is its turn's failure."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.exceptions import ActionError, ActionExpired
from botstate.models import ActionSnapshot, Delivery, ThreadState, Turn
from botstate.runtime.choices import end_overdue_choices
from botstate.runtime.interactions import CONSUMED_TEXT, DENIED_TEXT, EXPIRED_TEXT
from botstate.runtime.sweep import sweep_all
from botstate.ui import Actions, Button, Modal, ModalSelect, Select, TextInput, raw
from tests.runtime.desk import Desk, RunAll, told
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db


class Counter:
    """A bot with controls that have a key alone, and what its own handlers saw."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
        self.seen: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.uses = 0
        self.bot = make_bot(on_lock_conflict="queue")
        for key in ("go", "pick", "foreign"):
            self.bot.on_interaction(key)(lambda thread, click: self.seen.append((click.value, click.user)))
        self.bot.on_modal_submit("form")(lambda thread, submission: self.seen.append(submission.values))
        self.bot.on_command("/form")(lambda thread, command: thread.open_modal(self.form, trigger=command))

    form: Any = None

    def post(self, ui: Any) -> str:
        """Post this and return what Slack calls the message."""
        self.bot.on_message(lambda thread, message: thread.post(ui))
        self.slack.message(ts="1.0")
        self.run_all()
        return Delivery.objects.get().ref

    def click(self, ref: str, key: str, user: str = "U9", **changes: Any) -> None:
        self.uses += 1
        changes = {"trigger_id": f"use {self.uses}", "user": {"id": user}, **changes}
        self.slack.click(ref, key, **changes)
        self.run_all()

    def open_form(self, form: Any) -> None:
        self.form = form
        typed = {"command": "/form", "team_id": "T111", "user_id": "W111", "channel_id": "C111", "trigger_id": "1.2"}
        self.slack.post("/slack/commands", urlencode(typed).encode(), "application/x-www-form-urlencoded")
        self.run_all()

    def answer_form(self, callback_id: str, name: str = "interactive_view_submission", **held: Any) -> None:
        value = payload(name)
        view = {"id": Delivery.objects.get(kind="modal").ref, "callback_id": callback_id}
        value["view"] |= {**view, "state": {"values": {key: {key: state} for key, state in held.items()}}}
        assert self.slack.interaction(value).status_code == 200
        self.run_all()


@pytest.fixture
def counter(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> Counter:
    return Counter(make_bot, slack, run_all)


def expire_controls() -> None:
    ActionSnapshot.objects.update(expires_us=1)


def expire_and_sweep() -> None:
    expire_controls()
    sweep_all()
    assert not ActionSnapshot.objects.exists()


@pytest.mark.parametrize("error", [ActionError("mine"), ActionExpired("the offer is over")], ids=["any", "expired"])
def test_what_a_handler_raises_fails_its_turn(desk: Desk, slack_api: SlackWebApi, error: ActionError) -> None:
    def half_way(thread: Any, click: Any) -> None:
        thread.set_state(paid=True)
        raise error

    desk.deploy(lambda ticket: Actions(Button("Once", on_click=half_way, key="once", once=True)))
    desk.slack.message(ts="2.0")
    desk.run_all()
    delivery = Delivery.objects.latest("id")
    desk.click(delivery.actions.get().action_id, ref=delivery.ref)
    assert Turn.objects.latest("id").status == "failed"
    assert not ThreadState.objects.exists()
    assert told(slack_api) == []


def test_what_a_continuation_raises_fails_its_turn(counter: Counter, slack_api: SlackWebApi) -> None:
    @counter.bot.on_choice
    def decided(thread: Any, choice: Any) -> None:
        thread.set_state(done=True)
        raise ActionError("mine")

    counter.bot.on_message(lambda thread, message: thread.await_choice(Actions(Button("Yes", key="go")), then=decided))
    counter.slack.message(ts="1.0")
    counter.run_all()
    counter.click(Delivery.objects.get().ref, "go")
    assert Turn.objects.latest("id").status == "failed"
    assert not ThreadState.objects.exists()
    assert (counter.seen, told(slack_api)) == ([], [])


def test_a_handler_of_the_bots_own_that_raises_is_not_called_again_at_once(counter: Counter) -> None:
    calls = []

    @counter.bot.on_interaction("once")
    def fails(thread: Any, click: Any) -> None:
        calls.append(click.value)
        raise ActionExpired("the offer is over")

    counter.click(counter.post(Actions(Button("Go", key="once", once=True, value=1))), "once")
    assert calls == [1]
    assert Turn.objects.latest("id").status == "failed"


@pytest.mark.parametrize("end", [expire_controls, expire_and_sweep])
@pytest.mark.parametrize("restarted", [False, True])
def test_an_expired_control_with_a_key_does_not_do_what_the_request_says(
    counter: Counter, slack_api: SlackWebApi, restart: Callable[[], None], end: Callable[[], None], *, restarted: bool
) -> None:
    go = Button("Go", key="go", value={"ok": True}, once=True, allowed_users=["U1"])
    ref = counter.post(Actions(go, Select([("Ann", {"id": 1})], key="pick")))
    end()
    if restarted:
        restart()
    counter.click(ref, "go", user="U1")
    counter.click(ref, "pick", user="U1")
    assert counter.seen == []
    assert told(slack_api) == [("U1", EXPIRED_TEXT)] * 2


def test_an_expired_control_that_an_update_brought_does_not_either(counter: Counter, slack_api: SlackWebApi) -> None:
    @counter.bot.on_interaction("first")
    def change(thread: Any, click: Any) -> None:
        thread.update(click.message, Actions(Button("Go", key="go")))

    ref = counter.post(Actions(Button("First", key="first")))
    counter.click(ref, "first")
    expire_and_sweep()
    counter.click(ref, "go")
    assert counter.seen == []
    assert told(slack_api) == [("U9", EXPIRED_TEXT)]


def test_a_raw_control_of_a_message_has_the_value_of_the_request(counter: Counter, slack_api: SlackWebApi) -> None:
    button = {"type": "button", "action_id": "foreign", "text": {"type": "plain_text", "text": "go"}}
    ref = counter.post(Actions(Button("Go", key="go"), raw("slack", button)))
    counter.click(ref, "foreign")
    expire_and_sweep()
    counter.click(ref, "foreign")
    assert counter.seen == [("click_me_123", "U9")] * 2
    assert told(slack_api) == []


def test_the_platform_is_not_given_the_keys_that_are_stored_with_a_message(
    counter: Counter, slack_api: SlackWebApi
) -> None:
    counter.post(Actions(Button("Go", key="go")))
    (call,) = slack_api.calls
    assert "botstate_keys" in Delivery.objects.get().payload
    assert "botstate_keys" not in call.arguments


def test_a_control_with_a_key_is_for_those_who_may_and_once(counter: Counter, slack_api: SlackWebApi) -> None:
    ref = counter.post(Actions(Button("Go", key="go", value=1, once=True, allowed_users=["U1"])))
    counter.click(ref, "go", user="U9")
    counter.click(ref, "go", user="U1")
    counter.click(ref, "go", user="U1")
    assert counter.seen == [(1, "U1")]
    assert told(slack_api) == [("U9", DENIED_TEXT), ("U1", CONSUMED_TEXT)]


def test_an_answer_that_comes_too_late_is_no_click_of_the_bots_own(counter: Counter, slack_api: SlackWebApi) -> None:
    ended = []

    @counter.bot.on_choice
    def decided(thread: Any, choice: Any) -> None:
        ended.append(choice.is_timed_out)

    card = Actions(Button("Yes", key="go", value=1))
    counter.bot.on_message(lambda thread, message: thread.await_choice(card, then=decided, timeout="1h"))
    counter.slack.message(ts="1.0")
    counter.run_all()
    delivery = Delivery.objects.get()
    delivery.choice.expires_us = 1
    delivery.choice.save()
    end_overdue_choices()
    counter.run_all()
    counter.click(delivery.ref, "go")
    assert (ended, counter.seen) == ([True], [])
    assert told(slack_api) == [("U9", EXPIRED_TEXT)]


@pytest.mark.parametrize("how", ["denied", "expired", "swept"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_modal_that_may_not_be_submitted_is_not_submitted_to_the_bots_own_handler(
    counter: Counter, slack_api: SlackWebApi, restart: Callable[[], None], how: str, *, restarted: bool
) -> None:
    users = ["U5"] if how == "denied" else None
    form = Modal(ModalSelect("team", "Team", [("Red", {"id": 7})]), title="x", callback_id="form", allowed_users=users)
    counter.open_form(form)
    {"denied": lambda: None, "expired": expire_controls, "swept": expire_and_sweep}[how]()
    if restarted:
        restart()
    counter.answer_form("form", team={"type": "static_select", "selected_option": {"value": "0"}})
    assert counter.seen == []
    assert told(slack_api) == [("W111", DENIED_TEXT if how == "denied" else EXPIRED_TEXT)]


def test_a_refusal_costs_one_statement_more_at_most(counter: Counter) -> None:
    ref = counter.post(Actions(Button("Go", key="go")))
    expire_and_sweep()

    def statements(key: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            counter.click(ref, key)
        return sum('FROM "botstate_delivery"' in query["sql"].replace("`", '"') for query in queries)

    assert statements("go") - statements("ck:0") == 1


def test_a_modal_is_submitted_to_what_it_says_and_to_nothing_else(counter: Counter) -> None:
    def closed(thread: Any, submission: Any) -> None:
        counter.seen.append("closed")

    form = counter.bot.component(lambda: Modal(TextInput("t", "T"), title="x", on_close=closed), name="Form")
    counter.open_form(form())
    closing_id = ActionSnapshot.objects.get().action_id
    counter.answer_form(closing_id, t={"type": "plain_text_input", "value": "data"})
    assert counter.seen == []
    assert Turn.objects.latest("id").status == "done"


def test_whoever_submits_a_modal_whose_handler_is_gone_is_told(
    counter: Counter, slack_api: SlackWebApi, make_bot: Callable[..., Bot]
) -> None:
    counter.open_form(Modal(TextInput("t", "T"), title="x", callback_id="form"))
    make_bot(on_lock_conflict="queue")
    counter.answer_form("form", t={"type": "plain_text_input", "value": "data"})
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_a_modal_that_is_closed_without_a_handler_is_nobodys(counter: Counter, slack_api: SlackWebApi) -> None:
    counter.open_form(Modal(TextInput("t", "T"), title="x", callback_id="form"))
    counter.answer_form("form", "interactive_view_closed")
    assert told(slack_api) == []
    assert not Turn.objects.filter(kind="modal_close").exists()


@pytest.mark.parametrize("key", ["go", "foreign"])
def test_a_click_that_came_before_its_message_was_marked_runs_in_no_other_thread(
    counter: Counter, slack_api: SlackWebApi, key: str
) -> None:
    button = {"type": "button", "action_id": "foreign", "text": {"type": "plain_text", "text": "go"}}
    card = Actions(Button("Go", key="go"), raw("slack", button))
    counter.bot.on_command("/card")(lambda thread, command: thread.post(card))
    typed = {"command": "/card", "team_id": "T111", "user_id": "W111", "channel_id": "C111", "trigger_id": "1.2"}
    counter.slack.post("/slack/commands", urlencode(typed).encode(), "application/x-www-form-urlencoded")
    counter.run_all()
    delivery = Delivery.objects.get()
    Delivery.objects.update(message_digest=None)
    counter.slack.click(delivery.ref, key)
    delivery.save()
    counter.run_all()
    assert counter.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]
    counter.click(delivery.ref, "go")
    assert len(counter.seen) == 1, "and can be tried again"


def test_a_click_that_came_before_its_message_was_marked_runs_in_the_thread_of_both(counter: Counter) -> None:
    ref = counter.post(Actions(Button("Go", key="go", value=1)))
    delivery = Delivery.objects.get()
    Delivery.objects.update(message_digest=None)
    container = {"type": "message", "message_ts": ref, "channel_id": "C111", "thread_ts": "1.0"}
    counter.slack.click(ref, "go", container=container)
    assert Turn.objects.latest("id").posted is None
    delivery.save()
    counter.run_all()
    assert [value for value, _ in counter.seen] == [1]


def test_a_modal_without_any_handler_to_find_is_nobodys(counter: Counter, slack_api: SlackWebApi) -> None:
    counter.open_form(Modal("Read this", title="x", submit_label="OK"))
    counter.answer_form("")
    assert told(slack_api) == []
    assert not Turn.objects.filter(kind="modal_submit").exists()
