"""Every kind of control, from its posting to its handler, in this process and after a restart."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Delivery, Turn
from botstate.runtime import journal
from botstate.runtime.interactions import CONSUMED_TEXT, DENIED_TEXT
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Input, Message, Modal, ModalSelect, Option, Select, TextInput
from tests.runtime.desk import told
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


class Counter:
    """A bot with one of everything, and what its handlers saw."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
        self.seen: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.make_bot = make_bot
        self.clicks = 0
        self.start()
        self.slack.message(ts="1.0")
        self.run_all()

    def start(self) -> None:
        """Begin as a new process does."""
        bot = self.make_bot(on_lock_conflict="queue")
        self.card = bot.component(self.layout, name="Card")
        self.form = bot.component(self.modal, name="Form")
        bot.on_message(lambda thread, message: thread.post(self.card(ticket=7)))
        bot.on_interaction("plain")(self.chose)

    def layout(self, ticket: int) -> Any:
        return Message(
            Actions(
                Select(options=[Option("One", {"n": 1}), Option("Two", ticket)], on_select=self.chose, key="one"),
                Select(options=["a", "b", "c"], multi=True, on_select=self.chose, key="many"),
                Button("Mine", on_click=self.chose, value="mine", allowed_users=["U1", "U2"], once=True, key="mine"),
                Select(options=["x", "y"], key="plain"),
                Button("Open", on_click=bind(self.opened, {"ticket": ticket}), key="open"),
            ),
            Input("Say", on_submit=self.chose, key="say"),
            on_reaction=bind(self.reacted, {"ticket": ticket}),
        )

    def modal(self, ticket: int) -> Any:
        return Modal(
            TextInput("reason", "Why?"),
            ModalSelect("team", "Which team?", options=[Option("Red", {"id": 1}), Option("Blue", {"id": ticket})]),
            title="Refund",
            on_submit=bind(self.submitted, {"ticket": ticket}),
            on_close=self.closed,
        )

    def chose(self, thread: Any, click: Any) -> None:
        self.seen.append((click.value, click.user))

    def opened(self, thread: Any, click: Any, ticket: int) -> None:
        thread.open_modal(self.form(ticket=ticket), trigger=click)

    def submitted(self, thread: Any, submission: Any, ticket: int) -> None:
        self.seen.append((thread.key, submission.values, submission.args, ticket))
        thread.post("Thank you")

    def closed(self, thread: Any, submission: Any) -> None:
        self.seen.append((thread.key, "closed", submission.values))

    def reacted(self, thread: Any, reaction: Any, ticket: int) -> None:
        self.seen.append((reaction.emoji, reaction.is_added, ticket))

    def act(self, key: str, user: str = "U1", **held: Any) -> None:
        """Use the control of this key, which then holds this."""
        self.clicks += 1
        snapshot = next(one for one in ActionSnapshot.objects.all() if json.loads(one.control).get("key") == key)
        value = payload("interactive_block_actions")
        ref = Delivery.objects.filter(kind="post").earliest("pk").ref
        value["container"] = {"type": "message", "message_ts": ref, "channel_id": "C111"}
        value["actions"] = [{"action_id": snapshot.action_id, "block_id": "b", "action_ts": "1", **held}]
        value |= {"trigger_id": f"trigger.{self.clicks}", "user": {"id": user}}
        assert self.slack.interaction(value).status_code == 200
        self.run_all()

    def answer_modal(self, view: dict[str, Any], name: str, values: dict[str, Any]) -> None:
        """Submit or close the modal."""
        value = payload(name)
        value["view"] |= {**view, "state": {"values": values}}
        assert self.slack.interaction(value).status_code == 200
        self.run_all()


@pytest.fixture(params=[False, True], ids=["hot", "cold"])
def counter(
    request: pytest.FixtureRequest,
    make_bot: Callable[..., Bot],
    slack: SlackSender,
    run_all: RunAll,
    restart: Callable[[], None],
) -> Counter:
    counter = Counter(make_bot, slack, run_all)
    if request.param:
        restart()
        counter.start()
    return counter


def test_a_select_gives_the_value_that_was_posted(counter: Counter) -> None:
    counter.act("one", type="static_select", selected_option={"value": "0"})
    counter.act("one", type="static_select", selected_option={"value": "1"})
    counter.act("one", type="static_select", selected_option={"value": "17"})
    counter.act("many", type="multi_static_select", selected_options=[{"value": "2"}, {"value": "0"}])
    counter.act("plain", type="static_select", selected_option={"value": "1"})
    assert [value for value, _ in counter.seen] == [{"n": 1}, 7, None, ["c", "a"], "y"]


def test_an_input_gives_what_was_typed(counter: Counter) -> None:
    counter.act("say", type="plain_text_input", value="Hello")
    assert counter.seen == [("Hello", "U1")]


def test_a_control_is_for_those_who_may(counter: Counter, slack_api: SlackWebApi) -> None:
    counter.act("mine", user="U3", type="button", value="mine")
    assert told(slack_api) == [("U3", DENIED_TEXT)]
    assert counter.seen == []
    counter.act("mine", user="U2", type="button", value="forged")
    assert counter.seen == [("mine", "U2")], "and was not used up by the one who may not"


def test_a_modal_is_submitted_to_the_thread_that_opened_it(
    counter: Counter, slack_api: SlackWebApi, restart: Callable[[], None]
) -> None:
    counter.act("open", type="button")
    (opened,) = slack_api.done("views.open")
    assert opened.arguments["trigger_id"] == "trigger.1"
    view = opened.answer["view"]
    restart()
    counter.start()
    held = {
        "reason": {"reason": {"type": "plain_text_input", "value": "broken"}},
        "team": {"team": {"type": "static_select", "selected_option": {"value": "1"}}},
    }
    counter.answer_modal(view, "interactive_view_submission", held)
    thread = Turn.objects.earliest("pk").thread
    values = {"reason": "broken", "team": {"id": 7}}
    assert counter.seen == [(thread.key, values, {"ticket": 7}, 7)]
    assert slack_api.done("chat.postMessage")[-1].arguments["thread_ts"] == "1.0"

    counter.answer_modal(view, "interactive_view_closed", {})
    assert counter.seen[1:] == [(thread.key, "closed", {})]


def test_a_reaction_finds_the_messages_handler(counter: Counter, slack: SlackSender) -> None:
    ref = Delivery.objects.get().ref
    for number, kind in enumerate(["reaction_added", "reaction_removed"]):
        value = payload("event_reaction_added")
        value["event_id"] = f"Ev{number}"
        value["event"] |= {"type": kind, "item": {"type": "message", "channel": "C111", "ts": ref}}
        assert slack.event(value).status_code == 200
    counter.run_all()
    assert counter.seen == [("heart_eyes", True, 7), ("heart_eyes", False, 7)]


@pytest.mark.parametrize("restarted", [False, True])
def test_of_a_one_use_message_one_control_works(
    make_bot: Callable[..., Bot],
    slack: SlackSender,
    slack_api: SlackWebApi,
    run_all: RunAll,
    restart: Callable[[], None],
    *,
    restarted: bool,
) -> None:
    seen = []
    bot = make_bot()

    @bot.component
    def Card() -> Any:
        return Message(
            Actions(Button("Yes", on_click=chose, value="yes"), Button("No", on_click=chose, value="no")), once=True
        )

    def chose(thread: Any, click: Any) -> None:
        seen.append(click.value)

    bot.on_message(lambda thread, message: thread.post(Card()))
    slack.message(ts="1.0")
    run_all()
    if restarted:
        restart()
    ref = slack_api.calls[0].ts
    for number, label in enumerate(["No", "Yes", "No"]):
        slack.click(ref, ActionSnapshot.objects.get(label=label).action_id, trigger_id=f"t{number}")
        run_all()
    assert seen == ["no"]
    assert told(slack_api) == [("W111", CONSUMED_TEXT)] * 2


def test_a_thread_keeps_so_many_controls_and_no_more(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_CONTROLS_PER_THREAD", 5)
    bot = make_bot(on_lock_conflict="queue")
    bot.on_message(
        lambda thread, message: thread.post(Actions(*[Button(f"{message.text}{n}", key=f"k{n}") for n in range(2)]))
    )
    for text in "abcd":
        slack.message(ts=f"9.{ord(text)}", thread_ts="1.0", text=text)
    run_all()
    assert list(ActionSnapshot.objects.order_by("pk").values_list("label", flat=True)) == ["b1", "c0", "c1", "d0", "d1"]


def test_a_value_on_the_wire_of_any_length_changes_nothing(counter: Counter) -> None:
    counter.act("mine", type="button", value="x" * 3_000)
    assert counter.seen == [("mine", "U1")]


def test_an_update_renews_the_time_of_the_controls_that_stay(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot(on_lock_conflict="queue")

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        if message.text == "post":
            thread.set_state(card=thread.post(Actions(Button("Stays", key="stays"), Button("Goes", key="goes"))).id)
        else:
            thread.update(thread.state()["card"], Actions(Button("Stays", key="stays"), Button("New", key="new")))

    slack.message(ts="9.1", thread_ts="1.0", text="post")
    run_all()
    soon = Delivery.objects.get().created_us + 60_000_000
    ActionSnapshot.objects.update(expires_us=soon)
    slack.message(ts="9.2", thread_ts="1.0", text="update")
    run_all()
    renewed = {control.label: control.expires_us > soon for control in ActionSnapshot.objects.all()}
    assert renewed == {"Stays": True, "Goes": False, "New": True}
