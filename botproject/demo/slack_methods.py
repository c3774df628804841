"""What the methods of the local Slack Web API do: messages in, answers out; no HTTP."""

import json
import time
from typing import Any


class Refused(ValueError):  # noqa: N818 - it is no error of ours
    """The call is answered with this error code."""


class SlackMessages:
    """The messages of one workspace, and the methods that write them. Not safe to use from several threads at once."""

    def __init__(self, team: str, app: str, bot_user: str) -> None:
        self._team = team
        self._app = app
        self._bot_user = bot_user
        self._messages: dict[tuple[str, str], dict[str, Any]] = {}
        self._last_ts_us = 0

    def call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what `method` is asked and return what Slack answers besides "ok". Raises Refused."""
        match method:
            case "auth.test":
                return {"team_id": self._team, "user_id": self._bot_user, "user": "bot"}
            case "chat.postMessage":
                return self._post(arguments)
            case "chat.postEphemeral":
                _require(arguments, "channel", "channel_not_found")
                _require(arguments, "user", "user_not_found")
                _content(arguments)
                return {"message_ts": self._next_ts()}
            case "chat.update":
                return self._update(arguments)
            case "views.open":
                _require(arguments, "trigger_id", "invalid_trigger_id")
                return {"view": {**_json_object(arguments.get("view")), "id": f"V{self._next_ts()}"}}
            case "chat.delete":
                return self._delete(arguments)
        raise Refused("unknown_method")

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = _require(arguments, "channel", "channel_not_found")
        content = _content(arguments)
        ts = self._next_ts()
        thread = {"thread_ts": arguments["thread_ts"]} if arguments.get("thread_ts") else {}
        message = {
            "type": "message",
            "user": self._bot_user,
            "app_id": self._app,
            "team": self._team,
            "ts": ts,
            **thread,
            **content,
        }
        self._messages[channel, ts] = message
        return {"channel": channel, "ts": ts, "message": message}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = _require(arguments, "channel", "channel_not_found")
        ts = _require(arguments, "ts", "message_not_found")
        content = _content(arguments)
        if (channel, ts) not in self._messages:
            raise Refused("message_not_found")
        message = {**self._messages[channel, ts], **content}
        self._messages[channel, ts] = message
        return {"channel": channel, "ts": ts, "text": message["text"], "message": message}

    def _delete(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = _require(arguments, "channel", "channel_not_found")
        ts = _require(arguments, "ts", "message_not_found")
        if self._messages.pop((channel, ts), None) is None:
            raise Refused("message_not_found")
        return {"channel": channel, "ts": ts}

    def _next_ts(self) -> str:
        """Return a name that no message has: seconds and microseconds since 1970, always growing."""
        self._last_ts_us = max(time.time_ns() // 1_000, self._last_ts_us + 1)
        return f"{self._last_ts_us // 1_000_000}.{self._last_ts_us % 1_000_000:06d}"


def _require(arguments: dict[str, Any], name: str, error: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(error)
    return value


def _json_object(value: Any) -> dict[str, Any]:
    """Return an argument that is an object, or the JSON text of one."""
    parsed = json.loads(value) if isinstance(value, str) else value
    if not isinstance(parsed, dict):
        raise Refused("invalid_arguments")
    return parsed


def _content(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return text and blocks as Slack keeps them: every block with a block_id."""
    blocks = arguments.get("blocks") or []
    attachments = arguments.get("attachments") or []
    if not blocks and not attachments and not arguments.get("text"):
        raise Refused("no_text")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refused("invalid_blocks")
    named = [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]
    kept = {"blocks": named, "attachments": attachments}
    return {"text": arguments.get("text", ""), **{name: value for name, value in kept.items() if value}}
