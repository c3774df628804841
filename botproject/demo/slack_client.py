"""Sending to the site what Slack sends: signed, over HTTP."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

#: Slack waits 3 s; waiting longer tells a late answer from none.
TIMEOUT_S = 10


@dataclass(frozen=True)
class Answer:
    """What the site answered, and after how many milliseconds."""

    status: int
    ms: float


class SlackClient:
    """Slack's side of the webhooks of the site on a port of this machine."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret

    def send_event(
        self, payload: dict[str, Any], *, retry: int = 0, secret: str | None = None, age_s: int = 0
    ) -> Answer:
        """POST an event as JSON. retry: Slack's count of earlier tries.

        secret: sign with this one instead. age_s: sign as if it were sent so many seconds ago.
        """
        headers = {"Content-Type": "application/json"}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        return self._send("/slack/events", json.dumps(payload).encode(), headers, secret or self._secret, age_s)

    def send_interaction(self, payload: dict[str, Any]) -> Answer:
        """POST a click as Slack does: a form with one field that holds JSON."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("/slack/interactive", body, headers, self._secret, 0)

    def _send(self, path: str, body: bytes, headers: dict[str, str], secret: str, age_s: int) -> Answer:
        timestamp = str(int(time.time()) - age_s)
        headers = {
            **headers,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(secret, timestamp, body),
        }
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        sent_at = time.monotonic()
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
            return Answer(response.status, (time.monotonic() - sent_at) * 1_000)
        finally:
            connection.close()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return Slack's signature of a request, version 0."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
