"""Clicks: the handler that was shown, with the same props and arguments, or the person is told."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Delivery, Turn
from botstate.runtime.handlers import CONSUMED_TEXT, EXPIRED_TEXT
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Message, Section
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]
Restart = Callable[[], None]


class Desk:
    """A bot with a card, what its handlers saw, and a way to click."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
        self.seen: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.make_bot = make_bot
        self.clicks = 0
        self.deploy()

    def deploy(self, layout: Callable[..., Any] | None = None, name: str = "Card") -> None:
        """Replace the bot, as a new release does."""
        bot = self.make_bot()
        self.card = bot.component(layout or self.layout, name=name)
        bot.on_message(lambda thread, message: thread.post(self.card(ticket=7)))
        bot.on_interaction("raw")(lambda thread, click: self.seen.append(("raw", click.value)))

    def layout(self, ticket: int) -> Any:
        return Message(
            Section(f"Ticket {ticket}"),
            Actions(
                Button("Approve", on_click=self.approve, value={"ticket": ticket}),
                Button("Once", on_click=self.approve, key="once", once=True),
                Button("Assign", on_click=bind(self.assign, {"to": f"team {ticket}"}), key="assign"),
                Button("Raw", key="raw", value="v"),
            ),
        )

    def approve(self, thread: Any, click: Any) -> None:
        self.seen.append(("approve", click.value, click.user))

    def other(self, thread: Any, click: Any) -> None:
        self.seen.append(("other", click.value))

    def assign(self, thread: Any, click: Any, to: str) -> None:
        self.seen.append(("assign", to, click.args))

    def post(self) -> None:
        self.slack.message(ts="1.0")
        self.run_all()

    def action_id(self, label: str) -> str:
        return ActionSnapshot.objects.get(label=label).action_id

    def click(self, action_id: str, **changes: Any) -> None:
        self.clicks += 1
        ref = Delivery.objects.filter(kind="post").earliest("id").ref
        changes = {"ref": ref, "trigger_id": f"click {self.clicks}", **changes}
        self.slack.click(changes.pop("ref"), action_id, **changes)
        self.run_all()


@pytest.fixture
def desk(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> Desk:
    desk = Desk(make_bot, slack, run_all)
    desk.post()
    return desk


def told(api: SlackWebApi) -> list[tuple[str, str]]:
    return [(call.arguments["user"], call.arguments["text"]) for call in api.done("chat.postEphemeral")]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_click_runs_its_handler_with_the_same_value(desk: Desk, restart: Restart, restarted: bool) -> None:
    if restarted:
        restart()
    desk.click(desk.action_id("Approve"))
    assert desk.seen == [("approve", {"ticket": 7}, "W111")]


@pytest.mark.parametrize("restarted", [False, True])
def test_bound_arguments_are_given_back(desk: Desk, restart: Restart, restarted: bool) -> None:
    if restarted:
        restart()
    desk.click(desk.action_id("Assign"))
    assert desk.seen == [("assign", "team 7", {"to": "team 7"})]


def test_a_control_without_a_handler_of_its_own_goes_to_on_interaction(desk: Desk) -> None:
    desk.click("raw")
    assert desk.seen == [("raw", "click_me_123")]


def test_a_value_on_the_wire_is_not_believed(desk: Desk) -> None:
    desk.slack.click(
        Delivery.objects.get().ref,
        desk.action_id("Approve"),
        actions=[{"action_id": desk.action_id("Approve"), "value": "forged", "type": "button", "action_ts": "1.0"}],
    )
    desk.run_all()
    assert desk.seen == [("approve", {"ticket": 7}, "W111")]


def test_once_counts_one_click_and_tells_the_next_person(desk: Desk, slack_api: SlackWebApi) -> None:
    once = desk.action_id("Once")
    desk.click(once)
    desk.click(once, user={"id": "W999"})
    assert desk.seen == [("approve", None, "W111")]
    assert told(slack_api) == [("W999", CONSUMED_TEXT)]


def test_the_winner_of_a_one_use_control_is_tried_again(desk: Desk, restart: Restart) -> None:
    failures = [RuntimeError()]

    def fails_once(thread: Any, click: Any) -> None:
        if failures:
            raise failures.pop()
        desk.seen.append("won")

    restart()
    desk.deploy(lambda ticket: Actions(Button("Once", on_click=fails_once, key="once", once=True)))
    desk.click(desk.action_id("Once"))
    assert desk.seen == []
    Turn.objects.update(due_us=0)
    desk.run_all()
    assert desk.seen == ["won"]


def test_an_unknown_control_tells_the_person(desk: Desk, slack_api: SlackWebApi) -> None:
    desk.click("ck:0000000000000000")
    assert desk.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


@pytest.mark.parametrize(
    "changes",
    [{"channel": "C999"}, {"team": {"id": "T999"}}, {"ref": "999.999"}],
    ids=["channel", "workspace", "message"],
)
def test_a_control_works_only_where_it_was_posted(desk: Desk, slack_api: SlackWebApi, changes: Any) -> None:
    desk.click(desk.action_id("Approve"), **changes)
    assert desk.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_a_control_past_its_retention_is_expired(desk: Desk, slack_api: SlackWebApi) -> None:
    ActionSnapshot.objects.update(expires_us=1)
    desk.click(desk.action_id("Approve"))
    assert desk.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_after_a_deploy_that_swaps_two_buttons_neither_runs_the_others_handler(
    desk: Desk, slack_api: SlackWebApi, restart: Restart
) -> None:
    approve = desk.action_id("Approve")
    restart()
    desk.deploy(
        lambda ticket: Message(
            Section("x"),
            Actions(Button("Reject", on_click=desk.other), Button("Approve", on_click=desk.approve)),
        )
    )
    desk.click(approve)
    assert desk.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_a_key_survives_a_changed_layout_and_keeps_its_arguments(desk: Desk, restart: Restart) -> None:
    assign = desk.action_id("Assign")
    restart()
    desk.deploy(
        lambda ticket: Actions(
            Button("New", on_click=desk.other),
            Button("Hand over", on_click=bind(desk.assign, {"to": "?"}), key="assign"),
        )
    )
    desk.click(assign)
    assert desk.seen == [("assign", "team 7", {"to": "team 7"})]


def test_a_reordered_list_of_like_buttons_keeps_the_value_that_was_shown(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, restart: Restart
) -> None:
    desk = Desk(make_bot, slack, run_all)
    desk.deploy(lambda ticket: Actions(Button("Take", on_click=desk.approve, value=n) for n in (1, 2)))
    desk.post()
    first = ActionSnapshot.objects.earliest("id").action_id
    restart()
    desk.deploy(lambda ticket: Actions(Button("Take", on_click=desk.approve, value=n) for n in (2, 1)))
    desk.click(first)
    assert desk.seen == [("approve", 1, "W111")]


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (lambda ticket: Message("x"), "Card"),
        (lambda ticket, colour: Message("x"), "Card"),
        (lambda ticket: 1 / 0, "Card"),
        (None, "Renamed"),
    ],
    ids=["removed", "other props", "broken", "renamed"],
)
def test_what_cannot_be_rendered_again_is_expired(
    desk: Desk, slack_api: SlackWebApi, restart: Restart, layout: Any, name: str
) -> None:
    approve = desk.action_id("Approve")
    restart()
    desk.deploy(layout, name)
    desk.click(approve)
    assert desk.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_an_inline_control_works_until_the_restart(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, restart: Restart
) -> None:
    desk = Desk(make_bot, slack, run_all)
    make_bot().on_message(lambda thread, message: thread.post(Actions(Button("Inline", on_click=desk.approve))))
    desk.post()
    desk.click(desk.action_id("Inline"))
    assert desk.seen == [("approve", None, "W111")]
    restart()
    desk.click(desk.action_id("Inline"))
    assert desk.seen == [("approve", None, "W111")]
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_ten_controls_are_written_in_one_statement(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    desk = Desk(make_bot, slack, run_all)
    desk.deploy(lambda ticket: Actions(Button(str(n), on_click=desk.approve, key=str(n)) for n in range(10)))
    with CaptureQueriesContext(connection) as queries:
        desk.post()
    assert sum("INSERT INTO" in q["sql"] and "botstate_actionsnapshot" in q["sql"] for q in queries) == 1
    assert ActionSnapshot.objects.count() == 10
