"""Clicks: the handler that was shown, with the same props and arguments, or the person is told."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Delivery, Turn
from botstate.runtime.handlers import CONSUMED_TEXT, EXPIRED_TEXT
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Message, Section
from tests.slack.signing import SlackSender, payload

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
        changes = {"trigger_id": f"click {self.clicks}", **changes}
        if "ref" not in changes:
            changes["ref"] = Delivery.objects.filter(kind="post").earliest("id").ref
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
    assert desk.seen == [("raw", "v")]


def test_a_control_from_elsewhere_has_the_value_of_the_request(desk: Desk) -> None:
    desk.click("raw", ref="999.999")
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


def test_a_handler_that_changes_its_arguments_changes_nobody_elses(desk: Desk, restart: Restart) -> None:
    def greedy(thread: Any, click: Any, names: list[str]) -> None:
        click.value["n"] += 1
        names.append("x")
        desk.seen.append((click.value, names))

    desk.deploy(lambda ticket: Actions(Button("Go", on_click=bind(greedy, {"names": []}), value={"n": 1}, key="go")))
    desk.slack.message(ts="2.0")
    desk.run_all()
    ref = Delivery.objects.latest("id").ref
    for again in (False, False, True):
        if again:
            restart()
        desk.click(desk.action_id("Go"), ref=ref)
    assert desk.seen == [({"n": 2}, ["x"])] * 3


def test_props_are_those_of_the_moment_of_posting(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot()

    def show(items: list[int]) -> Any:
        items.append(0)
        return Actions(Button(str(items), on_click=print, key="k"))

    card = bot.component(show, name="Card")

    @bot.on_message
    def post(thread: Any, message: Any) -> None:
        items = [1]
        thread.post(card(items=items))
        items.append(2)
        thread.post(card(items=items))

    slack.message()
    run_all()
    stored = ActionSnapshot.objects.order_by("id").values_list("props", "label")
    assert list(stored) == [('{"items":[1]}', "[1, 0]"), ('{"items":[1,2]}', "[1, 2, 0]")]


def test_a_link_button_is_nobodys_click(desk: Desk, slack_api: SlackWebApi) -> None:
    desk.deploy(lambda ticket: Actions(Button("Open", url="https://example.com")))
    desk.slack.message(ts="2.0")
    desk.run_all()
    (link,) = slack_api.calls[-1].arguments["blocks"][0]["elements"]
    desk.click(link["action_id"], ref=Delivery.objects.latest("id").ref)
    assert told(slack_api) == []
    assert Turn.objects.filter(kind="click").count() == 0


def test_two_controls_of_one_message_cannot_have_one_key(desk: Desk) -> None:
    desk.deploy(lambda ticket: Actions(Button(str(n), on_click=desk.approve, key="k") for n in range(2)))
    desk.slack.message(ts="2.0")
    desk.run_all()
    assert Turn.objects.latest("id").error_type == "ActionError"


def test_once_and_value_hold_for_on_interaction_too(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    desk = Desk(make_bot, slack, run_all)
    bot = make_bot()
    bot.on_message(lambda thread, message: thread.post(Actions(Button("Go", key="go", once=True, value={"ok": True}))))
    bot.on_interaction("go")(lambda thread, click: desk.seen.append(click.value))
    desk.post()
    desk.click("go")
    desk.click("go")
    assert desk.seen == [{"ok": True}]
    assert told(slack_api) == [("W111", CONSUMED_TEXT)]


@pytest.mark.parametrize("kind", ["partial", "lambda"])
def test_handlers_without_a_name_of_their_own_are_told_apart(
    desk: Desk, slack_api: SlackWebApi, restart: Restart, kind: str
) -> None:
    def decide(word: str, thread: Any, click: Any) -> None:
        desk.seen.append(word)

    if kind == "partial":
        yes, no = functools.partial(decide, "yes"), functools.partial(decide, "no")
    else:
        yes, no = (lambda thread, click: desk.seen.append("yes")), (lambda thread, click: desk.seen.append("no"))
    desk.deploy(lambda ticket: Actions(Button("Go", on_click=yes)))
    desk.slack.message(ts="2.0")
    desk.run_all()
    ref, action_id = Delivery.objects.latest("id").ref, ActionSnapshot.objects.latest("id").action_id
    restart()
    desk.click(action_id, ref=ref)
    assert desk.seen == ["yes"]
    desk.deploy(lambda ticket: Actions(Button("Go", on_click=no)))
    restart()
    desk.click(action_id, ref=ref)
    assert desk.seen == ["yes"]
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


def test_a_component_within_a_message_survives_a_restart(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, restart: Restart
) -> None:
    desk = Desk(make_bot, slack, run_all)
    bot = make_bot()
    row = bot.component(lambda n: Actions(Button("Take", on_click=desk.approve, value=n)), name="Row")
    bot.on_message(lambda thread, message: thread.post(Message("Pick one", row(n=1), [row(n=2)])))
    desk.post()
    first, second = ActionSnapshot.objects.order_by("id")
    assert [(s.component, s.props) for s in (first, second)] == [("Row", '{"n":1}'), ("Row", '{"n":2}')]
    restart()
    desk.click(second.action_id)
    assert desk.seen == [("approve", 2, "W111")]


def test_a_component_of_another_bot_cannot_post_controls(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    other = make_bot("other").component(lambda: Actions(Button("x", on_click=print)), name="Card")
    make_bot().on_message(lambda thread, message: thread.post(other()))
    slack.message()
    run_all()
    assert Turn.objects.get().error_type == "ActionError"


def test_a_button_of_an_ephemeral_message_works(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, restart: Restart
) -> None:
    desk = Desk(make_bot, slack, run_all)
    bot = make_bot()
    card = bot.component(lambda: Actions(Button("Go", on_click=desk.approve)), name="Card")
    bot.on_message(lambda thread, message: thread.post_ephemeral(card(), user="W111"))
    desk.post()
    restart()
    desk.click(desk.action_id("Go"), ref=Delivery.objects.get().ref)
    assert desk.seen == [("approve", None, "W111")]


def test_a_click_in_an_attachment_is_a_click(desk: Desk) -> None:
    ref = Delivery.objects.get().ref
    container = {"type": "message_attachment", "message_ts": ref, "channel_id": "C111", "attachment_id": 1}
    desk.click(desk.action_id("Approve"), container=container)
    assert desk.seen == [("approve", {"ticket": 7}, "W111")]


def test_a_person_is_told_where_they_clicked(desk: Desk, slack_api: SlackWebApi) -> None:
    desk.click("ck:0", channel="D999")
    (call,) = slack_api.done("chat.postEphemeral")
    assert call.arguments["channel"] == "D999"


def test_an_unknown_shortcut_is_nobodys(desk: Desk, slack_api: SlackWebApi) -> None:
    desk.slack.interaction(payload("interactive_shortcut"))
    desk.run_all()
    assert told(slack_api) == []


def test_why_a_component_does_not_render_any_more_is_logged(
    desk: Desk, restart: Restart, caplog: pytest.LogCaptureFixture
) -> None:
    approve = desk.action_id("Approve")
    restart()
    desk.deploy(lambda ticket: 1 / 0)
    desk.click(approve)
    assert "component Card: ZeroDivisionError" in caplog.text
