"""Slack's payloads, parsed."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botstate.contracts.events import Event, Ignored, Origin
from botstate.platforms.slack.parse import (
    MalformedRequest,
    parse_challenge,
    parse_event,
    parse_form_payload,
    parse_interaction,
    parse_json,
)
from tests.slack.signing import PAYLOADS, payload

pytestmark = pytest.mark.once


def parsed(name: str, **event: Any) -> Event:
    value = payload(name)
    value["event"] |= event
    result = parse_event(value, "helper", "", {})
    assert isinstance(result, Event)
    return result


def test_a_mention() -> None:
    event = parsed("event_app_mention")
    assert event.kind == "mention"
    assert event.origin == Origin("helper", "slack", "", "T111")
    assert event.conversation == "C111:1595926230.009600"
    assert (event.user, event.channel, event.ref) == ("W222", "C111", "1595926230.009600")
    assert event.data["text"] == "<@W111> Hi there!"


def test_an_event_survives_json() -> None:
    event = parsed("event_app_mention")
    assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event


@pytest.mark.parametrize(
    ("name", "kind", "conversation"),
    [
        ("event_message_channel", "message", "C111:1596183880.004200"),
        ("event_message_file_share", "message", None),
        ("event_message_im", "message", "D111:1726133698.626339"),
        ("event_message_thread_broadcast", "message", "C111:1633663824.000500"),
        ("event_message_org_install", "mention", "C111:1606810819.000800"),
        ("event_app_mention_shared_channel", "mention", "C111:1595926230.009600"),
    ],
)
def test_what_people_say(name: str, kind: str, conversation: str | None) -> None:
    event = parsed(name)
    assert event.kind == kind
    assert conversation in (None, event.conversation)


def test_a_direct_message_outside_a_thread_belongs_to_its_channel() -> None:
    value = payload("event_message_im")
    del value["event"]["thread_ts"]
    event = parse_event(value, "helper", "", {})
    assert isinstance(event, Event)
    assert event.conversation == "D111"


def test_a_mention_and_its_message_twin_are_one_event_whichever_comes_first() -> None:
    mention = payload("event_app_mention")
    twin = payload("event_message_channel")
    twin["event"] |= {"ts": mention["event"]["ts"], "text": mention["event"]["text"], "user": "W222"}
    twin["event_id"] = "Ev-other"
    twin["authorizations"] = [{"user_id": "W111", "is_bot": True}]
    first, second = (parse_event(value, "helper", "", {}) for value in (mention, twin))
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert (first.kind, first.identity) == (second.kind, second.identity) == ("mention", first.identity)


@pytest.mark.parametrize(
    "name",
    [
        "event_app_home_opened_org",
        "event_app_uninstalled",
        "event_assistant_thread_context_changed",
        "event_assistant_thread_started",
        "event_member_joined_channel",
        "event_message_bot_message_subtype",
        "event_message_changed",
        "event_message_deleted",
        "event_message_from_bot",
        "event_tokens_revoked",
    ],
)
def test_what_no_handler_can_get_leaves_a_reason(name: str) -> None:
    ignored = parse_event(payload(name), "helper", "", {})
    assert isinstance(ignored, Ignored)
    assert "not handled" in ignored.reason


def test_every_event_of_the_samples_is_covered_here() -> None:
    names = {path.stem for path in PAYLOADS.glob("event_*.json")}
    assert all(isinstance(parse_event(payload(name), "helper", "", {}), Event | Ignored) for name in names)


def test_the_bots_own_messages_are_ignored() -> None:
    value = payload("event_message_im")
    value["event"]["user"] = "W111"
    assert isinstance(parse_event(value, "helper", "", {}), Ignored)


def test_a_click() -> None:
    value = payload("interactive_block_actions")
    value["container"]["thread_ts"] = "100.1"
    event = parse_interaction(value, "helper", "")
    assert isinstance(event, Event)
    assert (event.kind, event.conversation, event.ref, event.user) == ("click", "C111:100.1", "111.222", "W111")
    assert event.data["action_id"] == "a"
    assert event.data["value"] == "click_me_123"
    assert "token" not in event.data["raw"]


def test_the_same_click_again_is_the_same_event_and_another_click_is_not() -> None:
    def identity(**changes: Any) -> str:
        value = payload("interactive_block_actions") | changes
        event = parse_interaction(value, "helper", "")
        assert isinstance(event, Event)
        return event.identity

    assert identity() == identity()
    assert identity() != identity(trigger_id="other")
    assert identity() != identity(user={"id": "W222"})


@pytest.mark.parametrize(
    ("name", "conversation", "callback_id"),
    [
        ("interactive_shortcut", "W111", "test-shortcut"),
        ("interactive_message_action", "C111:1583636382.000300", "test-shortcut"),
    ],
)
def test_a_shortcut(name: str, conversation: str, callback_id: str) -> None:
    event = parse_interaction(payload(name), "helper", "")
    assert isinstance(event, Event)
    assert (event.kind, event.conversation, event.data["action_id"]) == ("shortcut", conversation, callback_id)


@pytest.mark.parametrize(
    "name",
    [
        "interactive_block_suggestion",
    ],
)
def test_interactions_that_are_not_handled_leave_a_reason(name: str) -> None:
    assert isinstance(parse_interaction(payload(name), "helper", ""), Ignored)


def test_a_challenge() -> None:
    value = payload("url_verification")
    assert parse_challenge(value) == value["challenge"]
    assert parse_challenge({"type": "event_callback"}) is None


@pytest.mark.parametrize("challenge", [None, "", 7, "x" * 1001])
def test_a_challenge_that_is_none_is_malformed(challenge: Any) -> None:
    with pytest.raises(MalformedRequest):
        parse_challenge({"type": "url_verification", "challenge": challenge})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a": ' + b"1" * 5_000 + b"}",
    ],
    ids=range(10),
)
def test_bodies_that_are_no_storable_json_object(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload",
        b"payload=",
        b"payload=[]",
        b"payload={}&payload={}",
        b"other={}",
        b"payload=%ff",
        b"\xff=1",
        b"&".join(b"a=%d" % n for n in range(1000)),
    ],
    ids=range(9),
)
def test_forms_without_one_payload(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_form_payload(body)


def test_a_form() -> None:
    assert parse_form_payload(urlencode({"payload": '{"a": "ü+ &="}'}).encode()) == {"a": "ü+ &="}
    assert parse_form_payload(b"payload=" + quote('{"a": 1}').encode()) == {"a": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
EVENTS = sorted(Path(PAYLOADS).glob("event_*.json"))
INTERACTIONS = sorted(Path(PAYLOADS).glob("interactive_*.json"))


@given(st.sampled_from(EVENTS + INTERACTIONS), st.lists(st.tuples(st.integers(0, 30), JSON), min_size=1, max_size=3))
def test_a_payload_with_anything_in_any_place_is_parsed_or_malformed(path: Path, changes: Any) -> None:
    value = json.loads(path.read_text())
    for place, junk in changes:
        _replace(value, place, junk)
    parse = parse_interaction if path in INTERACTIONS else lambda *a: parse_event(*a, {})
    try:
        result = parse(parse_json(json.dumps(value).encode()), "helper", "")
    except MalformedRequest:
        return
    assert isinstance(result, Event | Ignored)
    if isinstance(result, Event):
        assert len(result.conversation) <= 129


def _replace(value: Any, place: int, junk: Any) -> None:
    """Put junk into the place-th leaf or container of a payload, counted through all of it."""
    places = []

    def visit(container: Any) -> None:
        for key in list(container if isinstance(container, dict) else range(len(container))):
            places.append((container, key))
            if isinstance(container[key], dict | list):
                visit(container[key])

    visit(value)
    container, key = places[place % len(places)]
    container[key] = junk
