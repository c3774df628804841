"""A Slack that takes its time to answer, so that workers are killed between its acknowledgement and their mark."""

import time
import zlib
from typing import Any

from botproject.demo.slack_api import Call, SlackWebApi

LONGEST_MS = 120


class BusySlack(SlackWebApi):
    """Does what it is asked at once, and says so up to 120 ms later; how much later is in the message's text."""

    def handle(self, method: str, arguments: dict[str, Any], token: str) -> tuple[Call, int | None]:
        """Do what is asked, and wait."""
        call, retry_after_s = super().handle(method, arguments, token)
        time.sleep(zlib.crc32(str(arguments.get("text")).encode()) % LONGEST_MS / 1_000)
        return call, retry_after_s
