"""What the Events API says. Pure; raises MalformedRequest for what Slack would never send."""

from typing import Any

from botstate import exact_json
from botstate.contracts.events import Event, Ignored, Origin
from botstate.platforms.slack.parse.fields import (
    PLATFORM,
    MalformedRequest,
    conversation_of,
    identifier_in,
    object_in,
)
from botstate.types import Json

#: Message subtypes that are people talking; the others are edits, deletions, joins, and what bots say.
SPOKEN_SUBTYPES = ("", "file_share", "thread_broadcast", "me_message")
REACTIONS = ("reaction_added", "reaction_removed")


def parse_event(payload: dict[str, Any], bot: str, app: str, retry: dict[str, Json]) -> Event | Ignored:
    """Return what an event_callback says. retry: what Slack's retry headers said, kept with the event."""
    if payload.get("type") == "app_rate_limited":
        identity = f"app_rate_limited {exact_json.dumps(payload.get('minute_rate_limited'))}"
        return Ignored(Origin(bot, PLATFORM, app, identifier_in(payload, "team_id")), identity, "Slack limits the rate")
    if payload.get("type") != "event_callback":
        raise MalformedRequest("the payload is not an event_callback")
    event = object_in(payload, "event")
    kind = event.get("type")
    if not isinstance(kind, str):
        raise MalformedRequest("the event has no type")
    origin = Origin(bot, PLATFORM, app, _event_workspace(payload))
    if kind in REACTIONS:
        return _parse_reaction(payload, event, origin)
    if kind not in ("message", "app_mention"):
        return Ignored(
            origin, f"event {identifier_in(payload, 'event_id')}", f"events of type {kind[:100]} are not handled"
        )
    return _parse_message(payload, event, origin, retry)


def _parse_message(
    payload: dict[str, Any], event: dict[str, Any], origin: Origin, retry: dict[str, Json]
) -> Event | Ignored:
    channel = identifier_in(event, "channel")
    ts = identifier_in(event, "ts")
    # An app_mention and its message twin are one event: the message itself.
    identity = f"message {channel} {ts}"
    subtype = event.get("subtype") or ""
    if event["type"] == "message" and subtype not in SPOKEN_SUBTYPES:
        return Ignored(
            origin,
            f"event {identifier_in(payload, 'event_id')}",
            f"messages of subtype {subtype!s:.100} are not handled",
        )
    user = identifier_in(event, "user") if event.get("user") is not None else ""
    bot_user = _bot_user(payload)
    if event.get("bot_id") or not user or user == bot_user:
        return Ignored(origin, identity, "messages of bots are not handled")
    text = event.get("text")
    if text is not None and not isinstance(text, str):
        raise MalformedRequest("the message's text is not text")
    is_mention = event["type"] == "app_mention" or (bot_user is not None and _mentions(text or "", bot_user))
    return Event(
        kind="mention" if is_mention else "message",
        origin=origin,
        conversation=conversation_of(event, channel, ts),
        identity=identity,
        user=user,
        channel=channel,
        ref=ts,
        data={"text": text or "", "raw": event, "retry": retry},
    )


def _mentions(text: str, user: str) -> bool:
    """True where a text names the user, with a label or without."""
    return f"<@{user}>" in text or f"<@{user}|" in text


def _parse_reaction(payload: dict[str, Any], event: dict[str, Any], origin: Origin) -> Event | Ignored:
    identity = f"event {identifier_in(payload, 'event_id')}"
    item, emoji = object_in(event, "item"), event.get("reaction")
    if not isinstance(emoji, str):
        raise MalformedRequest("the reaction has no name")
    user = identifier_in(event, "user")
    if item.get("type") != "message" or user == _bot_user(payload):
        return Ignored(origin, identity, "reactions of the bot, and to other things than messages, are not handled")
    channel, ts = identifier_in(item, "channel"), identifier_in(item, "ts")
    return Event(
        kind="reaction",
        origin=origin,
        conversation=conversation_of({}, channel, ts),
        identity=identity,
        user=user,
        channel=channel,
        ref=ts,
        data={"emoji": emoji, "is_added": event["type"] == "reaction_added", "raw": event},
    )


def _authorization(payload: dict[str, Any]) -> dict[str, Any]:
    """Return for whom Slack sends the event: the installation, whose workspace and bot user it names."""
    authorizations = payload.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else {}
    return first if isinstance(first, dict) else {}


def _bot_user(payload: dict[str, Any]) -> str | None:
    """Return the bot's user id where Slack says it."""
    authorization = _authorization(payload)
    is_named = authorization.get("is_bot") is True and authorization.get("user_id") is not None
    return identifier_in(authorization, "user_id") if is_named else None


def _event_workspace(payload: dict[str, Any]) -> str:
    """Return the workspace that the app is installed in, or the organisation where it is installed in all of one.

    In a channel that is shared between workspaces, the payload's own team_id may be the other one.
    """
    authorization = _authorization(payload)
    if authorization.get("team_id") is not None:
        return identifier_in(authorization, "team_id")
    if authorization.get("is_enterprise_install") is True:
        return identifier_in(authorization, "enterprise_id")
    return identifier_in(payload, "team_id")
