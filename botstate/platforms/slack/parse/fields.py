"""Reading fields of Slack's payloads. Raises MalformedRequest for what Slack would never send."""

import re
from collections.abc import Mapping
from typing import Any

PLATFORM = "slack"
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_SECRETS = ("token", "response_url", "response_urls")


class MalformedRequest(ValueError):
    """A signed request that is not what Slack sends. Names what is wrong, never its content."""


def object_in(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a field that is an object."""
    value = payload.get(name)
    if not isinstance(value, dict):
        raise MalformedRequest(f"{name} is not an object")
    return value


def identifier_in(payload: Mapping[str, Any], name: str) -> str:
    """Return a field that is one of Slack's ids: 1 to 64 characters without spaces."""
    value = payload.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise MalformedRequest(f"{name} is not an id of 1 to 64 characters")
    return value


def conversation_of(message: Mapping[str, Any], channel: str, ts: str) -> str:
    """Return the thread's key: a thread in a channel, or a direct message's channel as a whole."""
    thread_ts = message.get("thread_ts")
    if thread_ts is not None:
        return f"{channel}:{identifier_in(message, 'thread_ts')}"
    return channel if channel.startswith("D") else f"{channel}:{ts}"


def without_secrets(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what nothing needs and nobody may see: Slack's old token, and URLs that let anybody speak for the app."""
    return {name: value for name, value in payload.items() if name not in _SECRETS}
