"""What people do with controls, modals, shortcuts and commands. Pure; raises MalformedRequest."""

import hashlib
from collections.abc import Mapping
from typing import Any

from botstate import exact_json
from botstate.contracts.events import Event, EventKind, Ignored, Origin
from botstate.platforms.slack.links import is_link
from botstate.platforms.slack.parse.fields import (
    PLATFORM,
    MalformedRequest,
    conversation_of,
    identifier_in,
    object_in,
    without_secrets,
)
from botstate.types import Json

MAX_ACTION_ID_CHARACTERS = 255
#: Where Slack puts what a control holds, by the kind of control.
_HELD = (
    "selected_date",
    "selected_time",
    "selected_date_time",
    "selected_user",
    "selected_conversation",
    "selected_channel",
    "selected_users",
    "selected_conversations",
    "selected_channels",
    "rich_text_value",
    "files",
)
MODALS: dict[str, EventKind] = {"view_submission": "modal_submit", "view_closed": "modal_close"}


def parse_interaction(payload: dict[str, Any], bot: str, app: str) -> Event | Ignored:
    """Return what an interactive payload says."""
    kind = payload.get("type")
    if not isinstance(kind, str):
        raise MalformedRequest("the payload has no type")
    origin = Origin(bot, PLATFORM, app, _workspace(payload))
    if kind == "block_actions":
        return _parse_click(payload, origin)
    if kind in MODALS:
        return _parse_modal(payload, origin, MODALS[kind])
    if kind in ("shortcut", "message_action"):
        return _parse_shortcut(payload, origin)
    # What botstate does not handle has no name it could know: the same payload is the same interaction.
    content = hashlib.sha256(exact_json.dumps(payload).encode()).hexdigest()
    identity = f"interaction {kind[:50]} {content}"
    return Ignored(origin, identity, f"interactions of type {kind[:100]} are not handled")


def parse_command(form: Mapping[str, str], bot: str, app: str) -> Event:
    """Return what a slash command's form says."""
    name = form.get("command", "")
    if not name.startswith("/"):
        raise MalformedRequest("the form has no command")
    is_org_wide = form.get("is_enterprise_install") == "true"
    origin = Origin(bot, PLATFORM, app, identifier_in(form, "enterprise_id" if is_org_wide else "team_id"))
    user, channel = identifier_in(form, "user_id"), identifier_in(form, "channel_id")
    return Event(
        kind="command",
        origin=origin,
        conversation=channel,
        identity=f"command {identifier_in(form, 'trigger_id')}",
        user=user,
        channel=channel,
        data={"name": name[:MAX_ACTION_ID_CHARACTERS], "text": form.get("text", ""), "raw": without_secrets(form)},
    )


def _parse_click(payload: dict[str, Any], origin: Origin) -> Event | Ignored:
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise MalformedRequest("block_actions has no actions")
    action: dict[str, Any] = actions[0]
    action_id = action.get("action_id")
    if not isinstance(action_id, str) or not 1 <= len(action_id) <= MAX_ACTION_ID_CHARACTERS:
        raise MalformedRequest("the action has no action_id")
    user = identifier_in(object_in(payload, "user"), "id")
    container = payload.get("container")
    place = container.get("type") if isinstance(container, dict) else None
    if place == "view":
        return _parse_click_in_view(payload, action, user, origin)
    if place not in ("message", "message_attachment"):
        reason = "clicks outside messages, modals and home tabs are not handled"
        return Ignored(origin, _click_identity(payload, action, user, "elsewhere"), reason)
    container = object_in(payload, "container")
    channel = identifier_in(container, "channel_id")
    ts = identifier_in(container, "message_ts")
    message = payload.get("message") if isinstance(payload.get("message"), dict) else {}
    return Event(
        kind="click",
        origin=origin,
        conversation=conversation_of({**(message or {}), **container}, channel, ts),
        identity=_click_identity(payload, action, user, f"{channel} {ts}"),
        user=user,
        channel=channel,
        ref=ts,
        data={
            "action_id": action_id,
            "value": _held(action),
            "is_link": is_link(action, message or {}),
            "raw": without_secrets(payload),
        },
    )


def _parse_click_in_view(payload: dict[str, Any], action: dict[str, Any], user: str, origin: Origin) -> Event:
    """Return a click in a modal, which is about that modal, or in a home tab, which is about nothing that was posted.

    A home tab has no handlers but the bot's own. What a field of a modal holds is read when the modal is submitted, so
    that nobody has to answer its use before.
    """
    view = object_in(payload, "view")
    view_id = identifier_in(view, "id")
    return Event(
        kind="click",
        origin=origin,
        conversation=user,
        identity=_click_identity(payload, action, user, f"view {view_id}"),
        user=user,
        ref=view_id,
        data={
            "action_id": action["action_id"],
            "value": _held(action),
            "is_link": view.get("type") != "modal" or is_link(action, view),
            "is_field": action.get("type") != "button",
            "raw": without_secrets(payload),
        },
    )


def _parse_shortcut(payload: dict[str, Any], origin: Origin) -> Event:
    callback_id = payload.get("callback_id")
    if not isinstance(callback_id, str) or not 1 <= len(callback_id) <= MAX_ACTION_ID_CHARACTERS:
        raise MalformedRequest("the shortcut has no callback_id")
    user = identifier_in(object_in(payload, "user"), "id")
    if payload["type"] == "message_action":
        channel = identifier_in(object_in(payload, "channel"), "id")
        message = object_in(payload, "message")
        ref = identifier_in(message, "ts")
        conversation = conversation_of(message, channel, ref)
    else:
        channel, ref, conversation = "", "", user
    return Event(
        kind="shortcut",
        origin=origin,
        conversation=conversation,
        identity=f"shortcut {identifier_in(payload, 'action_ts')} {user} {identifier_in(payload, 'trigger_id')}",
        user=user,
        channel=channel,
        ref=ref,
        data={"action_id": callback_id, "value": None, "raw": without_secrets(payload)},
    )


def _parse_modal(payload: dict[str, Any], origin: Origin, kind: EventKind) -> Event:
    view = object_in(payload, "view")
    view_id, callback_id = identifier_in(view, "id"), view.get("callback_id")
    if not isinstance(callback_id, str) or len(callback_id) > MAX_ACTION_ID_CHARACTERS:
        raise MalformedRequest("the view has no callback_id")
    user = identifier_in(object_in(payload, "user"), "id")
    state = view.get("state")
    if kind == "modal_close":
        callback_id = _closing_id(view) or callback_id
    return Event(
        kind=kind,
        origin=origin,
        conversation=user,
        identity=f"{payload['type']} {view_id} {exact_json.dumps(view.get('hash'))}",
        user=user,
        ref=view_id,
        data={
            "action_id": callback_id,
            "values": _values(state.get("values") if isinstance(state, dict) else None),
            "raw": without_secrets(payload),
        },
    )


def _closing_id(view: dict[str, Any]) -> str | None:
    """Return the id of what happens when a modal of the bot's is closed, which its view carries as metadata."""
    try:
        metadata = exact_json.loads(str(view.get("private_metadata") or ""))
    except ValueError:
        return None
    closing = metadata.get("onClose") if isinstance(metadata, dict) else None
    return closing if isinstance(closing, str) and len(closing) <= MAX_ACTION_ID_CHARACTERS else None


def _values(blocks: Any) -> dict[str, Json]:
    """Return what the inputs of a modal hold by their action_id; by "block_id.action_id" where two share one."""
    held: dict[str, Json] = {}
    for block_id, elements in blocks.items() if isinstance(blocks, dict) else ():
        for action_id, element in elements.items() if isinstance(elements, dict) else ():
            if isinstance(element, dict):
                held[f"{block_id}.{action_id}" if action_id in held else action_id] = _held(element)
    return held


def _held(element: dict[str, Any]) -> Json:
    """Return what a control holds: text, the value of an option, a list of these, rich text, or files."""
    option = element.get("selected_option")
    if isinstance(option, dict):
        return option.get("value")
    options = element.get("selected_options")
    if isinstance(options, list):
        return [item.get("value") for item in options if isinstance(item, dict)]
    names = [name for name in _HELD if element.get(name) is not None]
    return element[names[0]] if names else element.get("value")


def _click_identity(payload: dict[str, Any], action: dict[str, Any], user: str, place: str) -> str:
    """Slack names no clicks: what is the same in all of this is one click."""
    parts = [place, user, action.get("action_id"), action.get("action_ts"), payload.get("trigger_id")]
    return f"click {exact_json.dumps(parts)}"


def _workspace(payload: dict[str, Any]) -> str:
    """Return the workspace that the app is installed in, or the organisation where it is installed in all of one.

    In a channel that is shared between workspaces, the team of a modal may be the other one; its view names ours.
    """
    if payload.get("is_enterprise_install") is not True:
        view = payload.get("view")
        if isinstance(view, dict) and view.get("app_installed_team_id"):
            return identifier_in(view, "app_installed_team_id")
        if isinstance(payload.get("team"), dict):
            return identifier_in(payload["team"], "id")
    return identifier_in(object_in(payload, "enterprise"), "id")
