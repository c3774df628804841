"""Signed mentions, ready to be sent: made before the time that is taken."""

import json
import time
import uuid
from typing import Any

from botproject.demo.slack_client import signature
from botproject.demo.slack_workspace import SlackWorkspace, new_id

from bench.runtime.environment import SECRET

#: So many threads are written in at once, so often each; then come the next ones. A quarter are first events.
THREADS_AT_ONCE = 64
EVENTS_PER_THREAD = 4


class Mentions:
    """The mentions of one workspace, each of them in a thread of many."""

    def __init__(self) -> None:
        self._payload = SlackWorkspace().mention("U1", "")
        self._user = self._payload["authorizations"][0]["user_id"]
        self._number = 0
        self._first_us = time.time_ns() // 1_000

    def payload(self, text: str = "please refund ticket 7") -> dict[str, Any]:
        """Return the next mention, the same object every time."""
        number, self._number = self._number, self._number + 1
        wave, place = divmod(number, THREADS_AT_ONCE * EVENTS_PER_THREAD)
        root = wave * THREADS_AT_ONCE * EVENTS_PER_THREAD + place % THREADS_AT_ONCE
        return self._say(number, root, text)

    def payload_in_thread(self, thread: int) -> dict[str, Any]:
        """Return the next mention, in a thread that is named by a number."""
        number, self._number = self._number, self._number + 1
        return self._say(number, thread, "please refund ticket 7")

    def requests(self, path: str, count: int) -> list[bytes]:
        """Return so many requests, with the next mentions."""
        return [request(path, self.payload()) for _ in range(count)]

    def _say(self, number: int, root: int, text: str) -> dict[str, Any]:
        self._payload["event_id"] = new_id("Ev")
        event = self._payload["event"]
        event["client_msg_id"] = str(uuid.uuid4())
        event["text"] = f"<@{self._user}> {text}"
        event["ts"] = event["event_ts"] = self._ts(number)
        event.pop("thread_ts", None)
        if root != number:
            event["thread_ts"] = self._ts(root)
        return self._payload

    def _ts(self, number: int) -> str:
        seconds, microseconds = divmod(self._first_us + number, 1_000_000)
        return f"{seconds}.{microseconds:06d}"


def request(path: str, payload: dict[str, Any]) -> bytes:
    """Return a signed HTTP request as Slack sends it; gunicorn's sync workers close the connection after it."""
    body = json.dumps(payload).encode()
    timestamp = str(int(time.time()))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAccept: */*\r\n"
        "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nContent-Type: application/json\r\n"
        f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: {signature(SECRET, timestamp, body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
