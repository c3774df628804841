"""Clicks after restarts and deploys: the control that was shown, or none."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Delivery
from botstate.runtime.interactions import EXPIRED_TEXT
from botstate.ui import Actions, Button, Message, Section
from tests.runtime.desk import Desk, Restart, RunAll, told
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db


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


def test_why_a_component_does_not_render_any_more_is_logged(
    desk: Desk, restart: Restart, caplog: pytest.LogCaptureFixture
) -> None:
    approve = desk.action_id("Approve")
    restart()
    desk.deploy(lambda ticket: 1 / 0)
    desk.click(approve)
    assert "component Card: ZeroDivisionError" in caplog.text


def test_posting_a_control_that_cannot_survive_a_restart_is_warned_of(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, caplog: pytest.LogCaptureFixture
) -> None:
    make_bot().on_message(lambda thread, message: thread.post(Actions(Button("Inline", on_click=print))))
    slack.message()
    run_all()
    assert "is in no component" in caplog.text
