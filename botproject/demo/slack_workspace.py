"""A Slack workspace with people in it, and what Slack sends when they do something."""

import copy
import json
import random
import string
import time
import uuid
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent / "payloads"

Payload = dict[str, Any]


def new_id(prefix: str) -> str:
    """Return an id as Slack makes them, "T" + 10 letters and digits for one."""
    return prefix + "".join(random.choices(string.ascii_uppercase + string.digits, k=10))


class SlackWorkspace:
    """Makes the payloads of one workspace: as Slack sends them, with fresh ids and times in each."""

    def __init__(self) -> None:
        self.enterprise = new_id("E")
        self.team = new_id("T")
        self.app = new_id("A")
        self.channel = new_id("C")
        self.bot_user = new_id("U")
        self._last_ts_us = 0

    def mention(self, user: str, text: str, thread_ts: str | None = None) -> Payload:
        """Return the app_mention event of `user` writing `text` to the bot, in a thread or in the channel."""
        payload = self._event("event_app_mention.json", user, f"<@{self.bot_user}> {text}", self._next_ts())
        if thread_ts is not None:
            payload["event"]["thread_ts"] = thread_ts
        return payload

    def message_twin(self, mention: Payload) -> Payload:
        """Return the message event that Slack sends besides a mention: its own event id, the same message."""
        said = mention["event"]
        payload = self._event("event_message_channel.json", said["user"], said["text"], said["ts"])
        payload["event"]["client_msg_id"] = said["client_msg_id"]
        return payload

    def click(self, user: str, message: Payload, button: Payload | None) -> Payload:
        """Return the block_actions of `user` clicking a button of a message that was posted."""
        payload = _load("block_actions.json")
        ts = self._next_ts()
        thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
        payload["user"] |= {"id": user, "username": user.lower(), "name": user.lower(), "team_id": self.team}
        payload["team"] |= {"id": self.team, "enterprise_id": self.enterprise}
        payload["channel"]["id"] = self.channel
        payload["container"] |= {"message_ts": message["ts"], "channel_id": self.channel, **thread}
        payload |= {
            "api_app_id": self.app,
            "trigger_id": f"{ts}.{uuid.uuid4().hex}",
            "message": copy.deepcopy(message),
            "response_url": f"https://hooks.slack.com/actions/{self.team}/{new_id('')}/{uuid.uuid4().hex[:24]}",
        }
        payload["actions"] = [{**(button or {}), "action_ts": ts}]
        return payload

    def _event(self, template: str, user: str, text: str, ts: str) -> Payload:
        payload = _load(template)
        payload |= {
            "team_id": self.team,
            "enterprise_id": self.enterprise,
            "api_app_id": self.app,
            "event_id": new_id("Ev"),
            "event_time": int(float(ts)),
        }
        payload["authorizations"][0] |= {
            "enterprise_id": self.enterprise,
            "team_id": self.team,
            "user_id": self.bot_user,
        }
        payload["event"] |= {
            "client_msg_id": str(uuid.uuid4()),
            "user": user,
            "text": text,
            "ts": ts,
            "event_ts": ts,
            "team": self.team,
            "channel": self.channel,
        }
        return payload

    def _next_ts(self) -> str:
        """Return a time that is also a name: seconds and microseconds since 1970, always growing."""
        self._last_ts_us = max(time.time_ns() // 1_000, self._last_ts_us + 1)
        return f"{self._last_ts_us // 1_000_000}.{self._last_ts_us % 1_000_000:06d}"


def find_button(message: Payload, label: str) -> Payload | None:
    """Return what a click on the button with this label says in `actions`, None where there is none."""
    for block in message.get("blocks", []):
        for element in block.get("elements", []):
            if element.get("type") == "button" and element["text"]["text"] == label:
                return {**element, "block_id": block["block_id"]}
    return None


def _load(name: str) -> Payload:
    payload: Payload = json.loads((PAYLOADS / name).read_text(encoding="utf-8"))
    return payload
