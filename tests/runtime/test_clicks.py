"""Clicks: the handler that was shown, with the same props and arguments, or the person is told."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Delivery, Turn
from botstate.runtime.interactions import CONSUMED_TEXT, EXPIRED_TEXT
from botstate.ui import Actions, Button
from tests.runtime.desk import Desk, Restart, RunAll, told
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db


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
