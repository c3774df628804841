"""The bots that run: one whose handler does nothing, and one whose handler says when it began."""

from typing import Any

from botstate import Bot

from bench.runtime import marks
from bench.runtime.environment import IDLE_BOT, MARKING_BOT

idle = Bot(IDLE_BOT, on_lock_conflict="queue")
marking = Bot(MARKING_BOT, on_lock_conflict="queue")


@idle.on_mention
def do_nothing(thread: Any, message: Any) -> None:
    """Nothing."""


@marking.on_mention
def mark(thread: Any, message: Any) -> None:
    """Mark the place that the message's last word names."""
    marks.mark(int(message.text.split()[-1]))
