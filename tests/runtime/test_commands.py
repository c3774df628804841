"""Slash commands, reactions, and what a bot says of an expired control."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.exceptions import BotStateMisconfigured
from botstate.models import Receipt, Thread, Turn
from botstate.runtime.worker import Drained
from tests.runtime.desk import Desk, told
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


def command(slack: SlackSender, **changes: str) -> int:
    form = {**payload("command_slash"), **changes}
    return slack.post("/slack/commands", urlencode(form).encode(), "application/x-www-form-urlencoded").status_code


def react(slack: SlackSender, event_id: str = "Ev1", ts: str = "1.0", **event: Any) -> None:
    value = payload("event_reaction_added")
    value["event_id"] = event_id
    value["event"] |= {"item": {"type": "message", "channel": "C111", "ts": ts}, **event}
    assert slack.event(value).status_code == 200


def test_a_command_runs_its_handler_in_its_channel(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    seen = []
    bot = make_bot()

    @bot.on_command("/hello-world")
    def hello(thread: Any, command: Any) -> None:
        seen.append((command.name, command.text, command.user, command.channel, command.trigger_id))
        assert "response_url" not in command.raw
        assert "token" not in command.raw
        thread.post("Hello")

    assert command(slack) == 200
    assert command(slack) == 200, "the same one again"
    run_all()
    assert seen == [("/hello-world", "Hi", "W111", "C111", "111.111.xxx")]
    (call,) = slack_api.calls
    assert (call.arguments["channel"], call.arguments.get("thread_ts")) == ("C111", None)
    assert "hooks.slack.com" not in Turn.objects.get().event


def test_a_command_without_text_or_handler(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    make_bot().on_command("/other")(lambda thread, command: None)
    assert command(slack, text="") == 200
    assert Receipt.objects.get().ignored
    assert not Turn.objects.exists()


@pytest.mark.parametrize("changes", [{"command": "x"}, {"user_id": ""}, {"trigger_id": "\n"}, {"team_id": "no team"}])
def test_a_command_that_slack_would_not_send(
    make_bot: Callable[..., Bot], slack: SlackSender, changes: dict[str, str]
) -> None:
    make_bot()
    assert command(slack, **changes) == 400


def test_a_look_at_the_certificate_is_answered_and_forgotten(slack: SlackSender) -> None:
    assert command(slack, ssl_check="1") == 200
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("name", ["refund", "/", ""])
def test_a_command_begins_with_a_slash(make_bot: Callable[..., Bot], name: str) -> None:
    with pytest.raises(BotStateMisconfigured, match="slash"):
        make_bot().on_command(name)


def test_reactions_go_to_the_handlers_of_their_emoji(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    seen = []
    bot = make_bot()
    bot.on_reaction("eyes", ":tada:")(lambda thread, reaction: seen.append(("some", reaction.emoji, reaction.is_added)))
    react(slack, "Ev1", reaction="eyes")
    react(slack, "Ev2", reaction="tada", type="reaction_removed")
    react(slack, "Ev3", reaction="wave")
    react(slack, "Ev3", reaction="wave")
    run_all()
    assert seen == [("some", "eyes", True), ("some", "tada", False)]
    assert Receipt.objects.exclude(ignored="").count() == 1


def test_without_a_handler_a_reaction_makes_no_thread(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    make_bot()
    react(slack)
    assert not Thread.objects.exists()


def test_a_reaction_to_the_bots_message_is_in_the_messages_thread(desk: Desk, slack: SlackSender) -> None:
    seen = []
    bot = desk.make_bot()
    bot.on_reaction()(lambda thread, reaction: seen.append((thread.key, reaction.message is not None)))
    (thread,) = Thread.objects.all()
    ref = thread.deliveries.get().ref
    react(slack, ts=ref)
    react(slack, "Ev2", ts="5.0")
    desk.run_all()
    assert seen == [(thread.key, True), ("C111:5.0", False)]


def test_a_bot_says_itself_that_a_control_has_expired(desk: Desk, slack_api: SlackWebApi) -> None:
    seen = []
    bot = desk.make_bot()
    bot.on_action_expired(lambda thread, click: seen.append((click.id, click.user, click.value)))
    desk.click("ck:unknown")
    assert seen == [("ck:unknown", "W111", None)]
    assert told(slack_api) == []


def test_a_component_under_its_old_name_is_found_by_its_alias(desk: Desk, restart: Callable[[], None]) -> None:
    action_id = desk.action_id("Approve")
    restart()
    bot = desk.make_bot()
    bot.component(desk.layout, name="NewCard", aliases=["Older", "Card"])
    desk.click(action_id)
    assert desk.seen == [("approve", {"ticket": 7}, "W111")]
    with pytest.raises(BotStateMisconfigured, match="two components"):
        bot.component(desk.layout, name="Another", aliases=["Card"])


def test_a_modal_for_a_callback_id_of_the_bots_own(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    seen = []
    bot = make_bot()
    bot.on_modal_submit("view-id")(lambda thread, submitted: seen.append((thread.key, submitted.values)))
    bot.on_modal_close("view-id")(lambda thread, closed: seen.append(("closed", closed.values)))
    for name in ("interactive_view_submission", "interactive_view_closed", "interactive_view_submission"):
        assert slack.interaction(payload(name)).status_code == 200
    run_all()
    assert seen == [("W111", {"maBWU": "test"}), ("closed", {})]
    assert "verification_token" not in json.dumps(list(Turn.objects.values_list("event", flat=True)))


def test_a_modal_that_nobody_knows_is_ignored(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    make_bot()
    assert slack.interaction(payload("interactive_view_submission")).status_code == 200
    assert Receipt.objects.get().ignored
