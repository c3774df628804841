"""From Slack's verified bytes to an Event. Pure; raises MalformedRequest for what Slack would never send."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from botstate import exact_json
from botstate.contracts.events import Event, Ignored, Origin
from botstate.exceptions import NotSerializable
from botstate.platforms.slack.links import is_link
from botstate.types import Json

PLATFORM = "slack"
#: Message subtypes that are people talking; the others are edits, deletions, joins, and what bots say.
SPOKEN_SUBTYPES = ("", "file_share", "thread_broadcast", "me_message")
MAX_CHALLENGE_CHARACTERS = 1_000
MAX_ACTION_ID_CHARACTERS = 255
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


class MalformedRequest(ValueError):
    """A signed request that is not what Slack sends. Names what is wrong, never its content."""


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body."""
    try:
        value = exact_json.loads_foreign(body.decode("utf-8"))
    except (ValueError, NotSerializable) as error:
        raise MalformedRequest("the body is not JSON that can be stored") from error
    if not isinstance(value, dict):
        raise MalformedRequest("the body is not a JSON object")
    return value


def parse_form_payload(body: bytes) -> dict[str, Any]:
    """Return the JSON object in the `payload` field of a form."""
    try:
        fields = parse_qs(body.decode("utf-8"), strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise MalformedRequest("the body is not a form") from error
    payloads = fields.get("payload", [])
    if len(payloads) != 1:
        raise MalformedRequest("the form needs exactly one payload field")
    return parse_json(payloads[0].encode("utf-8"))


def parse_challenge(payload: Mapping[str, Any]) -> str | None:
    """Return the challenge of a url_verification, None for any other payload."""
    if payload.get("type") != "url_verification":
        return None
    challenge = payload.get("challenge")
    if not isinstance(challenge, str) or not 1 <= len(challenge) <= MAX_CHALLENGE_CHARACTERS:
        raise MalformedRequest("url_verification has no challenge")
    return challenge


def parse_event(payload: dict[str, Any], bot: str, app: str, retry: dict[str, Json]) -> Event | Ignored:
    """Return what an event_callback says. retry: what Slack's retry headers said, kept with the event."""
    if payload.get("type") == "app_rate_limited":
        identity = f"app_rate_limited {exact_json.dumps(payload.get('minute_rate_limited'))}"
        return Ignored(Origin(bot, PLATFORM, app, _identifier(payload, "team_id")), identity, "Slack limits the rate")
    if payload.get("type") != "event_callback":
        raise MalformedRequest("the payload is not an event_callback")
    event = _object(payload, "event")
    kind = event.get("type")
    if not isinstance(kind, str):
        raise MalformedRequest("the event has no type")
    origin = Origin(bot, PLATFORM, app, _event_workspace(payload))
    if kind not in ("message", "app_mention"):
        return Ignored(
            origin, f"event {_identifier(payload, 'event_id')}", f"events of type {kind[:100]} are not handled"
        )
    return _parse_message(payload, event, origin, retry)


def parse_interaction(payload: dict[str, Any], bot: str, app: str) -> Event | Ignored:
    """Return what an interactive payload says."""
    kind = payload.get("type")
    if not isinstance(kind, str):
        raise MalformedRequest("the payload has no type")
    origin = Origin(bot, PLATFORM, app, _workspace(payload))
    if kind == "block_actions":
        return _parse_click(payload, origin)
    if kind in ("shortcut", "message_action"):
        return _parse_shortcut(payload, origin)
    # What botstate does not handle has no name it could know: the same payload is the same interaction.
    content = hashlib.sha256(exact_json.dumps(payload).encode()).hexdigest()
    identity = f"interaction {kind[:50]} {content}"
    return Ignored(origin, identity, f"interactions of type {kind[:100]} are not handled")


def _parse_message(
    payload: dict[str, Any], event: dict[str, Any], origin: Origin, retry: dict[str, Json]
) -> Event | Ignored:
    channel = _identifier(event, "channel")
    ts = _identifier(event, "ts")
    # An app_mention and its message twin are one event: the message itself.
    identity = f"message {channel} {ts}"
    subtype = event.get("subtype") or ""
    if event["type"] == "message" and subtype not in SPOKEN_SUBTYPES:
        return Ignored(
            origin, f"event {_identifier(payload, 'event_id')}", f"messages of subtype {subtype!s:.100} are not handled"
        )
    user = _identifier(event, "user") if event.get("user") is not None else ""
    bot_user = _bot_user(payload)
    if event.get("bot_id") or not user or user == bot_user:
        return Ignored(origin, identity, "messages of bots are not handled")
    text = event.get("text")
    if text is not None and not isinstance(text, str):
        raise MalformedRequest("the message's text is not text")
    is_mention = event["type"] == "app_mention" or (bot_user is not None and f"<@{bot_user}>" in (text or ""))
    return Event(
        kind="mention" if is_mention else "message",
        origin=origin,
        conversation=_conversation(event, channel, ts),
        identity=identity,
        user=user,
        channel=channel,
        ref=ts,
        data={"text": text or "", "raw": event, "retry": retry},
    )


def _parse_click(payload: dict[str, Any], origin: Origin) -> Event | Ignored:
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise MalformedRequest("block_actions has no actions")
    action: dict[str, Any] = actions[0]
    action_id = action.get("action_id")
    if not isinstance(action_id, str) or not 1 <= len(action_id) <= MAX_ACTION_ID_CHARACTERS:
        raise MalformedRequest("the action has no action_id")
    user = _identifier(_object(payload, "user"), "id")
    container = payload.get("container")
    if not isinstance(container, dict) or container.get("type") not in ("message", "message_attachment"):
        return Ignored(
            origin, _click_identity(payload, action, user, "view"), "clicks outside messages are not handled"
        )
    channel = _identifier(container, "channel_id")
    ts = _identifier(container, "message_ts")
    message = payload.get("message") if isinstance(payload.get("message"), dict) else {}
    return Event(
        kind="click",
        origin=origin,
        conversation=_conversation({**(message or {}), **container}, channel, ts),
        identity=_click_identity(payload, action, user, f"{channel} {ts}"),
        user=user,
        channel=channel,
        ref=ts,
        data={
            "action_id": action_id,
            "value": action.get("value"),
            "is_link": is_link(action, message or {}),
            "raw": _without_token(payload),
        },
    )


def _parse_shortcut(payload: dict[str, Any], origin: Origin) -> Event:
    callback_id = payload.get("callback_id")
    if not isinstance(callback_id, str) or not 1 <= len(callback_id) <= MAX_ACTION_ID_CHARACTERS:
        raise MalformedRequest("the shortcut has no callback_id")
    user = _identifier(_object(payload, "user"), "id")
    if payload["type"] == "message_action":
        channel = _identifier(_object(payload, "channel"), "id")
        message = _object(payload, "message")
        ref = _identifier(message, "ts")
        conversation = _conversation(message, channel, ref)
    else:
        channel, ref, conversation = "", "", user
    return Event(
        kind="shortcut",
        origin=origin,
        conversation=conversation,
        identity=f"shortcut {_identifier(payload, 'action_ts')} {user} {_identifier(payload, 'trigger_id')}",
        user=user,
        channel=channel,
        ref=ref,
        data={"action_id": callback_id, "value": None, "raw": _without_token(payload)},
    )


def _without_token(payload: dict[str, Any]) -> dict[str, Any]:
    """Drop Slack's old verification token, which is a secret that nothing needs."""
    return {name: value for name, value in payload.items() if name != "token"}


def _click_identity(payload: dict[str, Any], action: dict[str, Any], user: str, place: str) -> str:
    """Slack names no clicks: what is the same in all of this is one click."""
    parts = [place, user, action.get("action_id"), action.get("action_ts"), payload.get("trigger_id")]
    return f"click {exact_json.dumps(parts)}"


def _conversation(message: Mapping[str, Any], channel: str, ts: str) -> str:
    """Return the thread's key: a thread in a channel, or a direct message's channel as a whole."""
    thread_ts = message.get("thread_ts")
    if thread_ts is not None:
        return f"{channel}:{_identifier(message, 'thread_ts')}"
    return channel if channel.startswith("D") else f"{channel}:{ts}"


def _authorization(payload: dict[str, Any]) -> dict[str, Any]:
    """Return for whom Slack sends the event: the installation, whose workspace and bot user it names."""
    authorizations = payload.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else {}
    return first if isinstance(first, dict) else {}


def _bot_user(payload: dict[str, Any]) -> str | None:
    """Return the bot's user id where Slack says it."""
    authorization = _authorization(payload)
    is_named = authorization.get("is_bot") is True and authorization.get("user_id") is not None
    return _identifier(authorization, "user_id") if is_named else None


def _event_workspace(payload: dict[str, Any]) -> str:
    """Return the workspace that the app is installed in, or the organisation where it is installed in all of one.

    In a channel that is shared between workspaces, the payload's own team_id may be the other one.
    """
    authorization = _authorization(payload)
    if authorization.get("team_id") is not None:
        return _identifier(authorization, "team_id")
    if authorization.get("is_enterprise_install") is True:
        return _identifier(authorization, "enterprise_id")
    return _identifier(payload, "team_id")


def _workspace(payload: dict[str, Any]) -> str:
    """Return the workspace that the app is installed in; an organisation-wide installation's interaction has none."""
    if isinstance(payload.get("team"), dict) and payload.get("is_enterprise_install") is not True:
        return _identifier(payload["team"], "id")
    return _identifier(_object(payload, "enterprise"), "id")


def _object(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if not isinstance(value, dict):
        raise MalformedRequest(f"{name} is not an object")
    return value


def _identifier(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise MalformedRequest(f"{name} is not an id of 1 to 64 characters")
    return value
