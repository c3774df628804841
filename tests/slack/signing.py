"""Requests as Slack sends them."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

from tests.settings import SIGNING_SECRET

PAYLOADS = Path(__file__).parent.parent / "data" / "slack"


def payload(name: str) -> dict[str, Any]:
    """Return a payload of Bolt's own tests."""
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text()))


def sign(body: bytes, timestamp: str | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """Return Slack's signature headers for a body."""
    timestamp = timestamp or str(int(time.time()))
    signature = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}


class SlackSender:
    """Sends signed events and interactions to the site under test."""

    def __init__(self) -> None:
        self._client = Client()

    def event(self, value: dict[str, Any], **headers: str) -> HttpResponse:
        return self.post("/slack/events", json.dumps(value).encode(), "application/json", **headers)

    def interaction(self, value: dict[str, Any]) -> HttpResponse:
        body = urlencode({"payload": json.dumps(value)}).encode()
        return self.post("/slack/interactive", body, "application/x-www-form-urlencoded")

    def post(self, path: str, body: bytes, content_type: str, **headers: str) -> HttpResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(path, body, content_type, {**sign(body), **names})

    def send(self, path: str, body: bytes, content_type: str, headers: dict[str, str]) -> HttpResponse:
        return self._client.generic("POST", path, body, content_type, headers=headers)  # type: ignore[no-any-return]

    def mention(self, ts: str = "1595926230.009600", text: str = "<@W111> Hi there!", **event: Any) -> HttpResponse:
        value = payload("event_app_mention")
        value["event"] |= {"ts": ts, "event_ts": ts, "text": text, **event}
        return self.event(value)

    def message(self, ts: str = "1596183880.004200", text: str = "Hello World!", **event: Any) -> HttpResponse:
        value = payload("event_message_channel")
        value["event"] |= {"ts": ts, "event_ts": ts, "text": text, **event}
        return self.event(value)

    def click(
        self, ref: str, action_id: str, *, channel: str = "C111", trigger_id: str = "1.2.a", **changes: Any
    ) -> HttpResponse:
        value = payload("interactive_block_actions")
        value["container"] = {"type": "message", "message_ts": ref, "channel_id": channel}
        value["actions"][0] |= {"action_id": action_id}
        value["trigger_id"] = trigger_id
        return self.interaction({**value, **changes})
