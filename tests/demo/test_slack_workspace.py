"""The demo's events are what botstate takes Slack's events for."""

import json
import re
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from botproject.demo.slack_client import signature
from botproject.demo.slack_workspace import SlackWorkspace, find_button
from botstate.contracts.events import Event
from botstate.platforms.slack.parse import parse_event, parse_form_payload, parse_interaction

pytestmark = pytest.mark.once

BUTTON = {"type": "button", "action_id": "ck:1", "text": {"type": "plain_text", "text": "Approve"}, "value": "7"}
MESSAGE = {"ts": "5.000001", "thread_ts": "1.000001", "blocks": [{"block_id": "b0", "elements": [BUTTON]}]}


def test_a_mention_and_its_twin_are_one_event() -> None:
    workspace = SlackWorkspace()
    mention = workspace.mention("U1", "Hello")
    twin = workspace.message_twin(mention)

    first, second = (parse_event(payload, "support", "", {}) for payload in (mention, twin))

    assert isinstance(first, Event) and isinstance(second, Event)
    assert (first.kind, first.origin.workspace, first.user) == ("mention", workspace.team, "U1")
    assert (first.identity, first.kind, first.conversation) == (second.identity, second.kind, second.conversation)
    assert mention["event_id"] != twin["event_id"]


def test_mentions_differ_and_can_be_in_a_thread() -> None:
    workspace = SlackWorkspace()
    first = workspace.mention("U1", "Hello")
    second = workspace.mention("U1", "Hello", thread_ts=first["event"]["ts"])

    top, reply = (parse_event(payload, "support", "", {}) for payload in (first, second))

    assert isinstance(top, Event) and isinstance(reply, Event)
    assert first["event_id"] != second["event_id"]
    assert top.identity != reply.identity
    assert top.conversation == reply.conversation


def test_a_click_names_the_message_and_its_button() -> None:
    workspace = SlackWorkspace()
    payload = workspace.click("U1", MESSAGE, find_button(MESSAGE, "Approve"))

    parsed = parse_form_payload(urlencode({"payload": json.dumps(payload)}).encode())
    event = parse_interaction(parsed, "support", "")

    assert isinstance(event, Event)
    assert (event.kind, event.user, event.ref) == ("click", "U1", "5.000001")
    assert event.conversation == f"{workspace.channel}:1.000001"
    assert (event.data["action_id"], event.data["value"]) == ("ck:1", "7")


def test_two_clicks_are_two_events() -> None:
    workspace = SlackWorkspace()
    payloads = [workspace.click("U1", MESSAGE, find_button(MESSAGE, "Approve")) for _ in range(2)]

    assert len({parse_interaction(payload, "support", "").identity for payload in payloads}) == 2


def test_no_button_is_found_where_there_is_none() -> None:
    assert find_button(MESSAGE, "Reject") is None
    assert find_button({"text": "Hello"}, "Approve") is None


def test_no_made_up_id_is_sent() -> None:
    workspace = SlackWorkspace()
    mention = workspace.mention("U1", "Hello")
    payloads = [mention, workspace.message_twin(mention), workspace.click("U2", MESSAGE, BUTTON)]

    assert not re.findall(r"\b[TACEW]111\b", json.dumps(payloads))


def test_signs_as_slack_does() -> None:
    body = '{"text": "café"}'

    assert SignatureVerifier("secret").generate_signature(timestamp="123", body=body) == signature(
        "secret", "123", body.encode()
    )
