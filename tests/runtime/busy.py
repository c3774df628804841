"""Busy threads, for tests: a worker elsewhere, a handler that waits inside, and what is looked at afterwards."""

from threading import Event, Thread
from typing import Any

from django.db import connection

from botstate.models import Thread as ThreadRow
from botstate.models import Turn
from botstate.runtime.worker import Drained, run_thread
from tests.slack.signing import SlackSender


class Elsewhere:
    """Runs a thread in a thread of its own, as another worker would."""

    def __init__(self, thread_id: int) -> None:
        self.end: Drained | None = None
        self._thread_id = thread_id
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.end = run_thread(self._thread_id)
        finally:
            connection.close()

    def join(self) -> Drained | None:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.end


class Doors:
    """A handler that waits inside until it is let go, by the message's text."""

    def __init__(self) -> None:
        self.entered: dict[str, Event] = {}
        self.open: dict[str, Event] = {}
        self.log: list[str] = []

    def keep(self, *texts: str) -> None:
        for text in texts:
            self.entered[text], self.open[text] = Event(), Event()

    def pass_through(self, thread: Any, message: Any) -> None:
        if message.text in self.open:
            self.entered[message.text].set()
            assert self.open[message.text].wait(20)
        thread.set_state({message.text: True})
        self.log.append(message.text)


def send(slack: SlackSender, *texts: str) -> None:
    """Send messages of one conversation, whose texts are their numbers in it."""
    for text in texts:
        assert slack.message(ts=f"9.{text}", thread_ts="1.0", text=text).status_code == 200


def press(slack: SlackSender) -> None:
    """Click on a control in the conversation."""
    container = {"type": "message", "message_ts": "1.0", "channel_id": "C111", "thread_ts": "1.0"}
    assert slack.click("1.0", "go", container=container).status_code == 200


def statuses() -> list[str]:
    return [turn.status for turn in Turn.objects.order_by("sequence")]


def only_thread() -> int:
    return int(ThreadRow.objects.get().pk)


def let_quiet_periods_pass() -> None:
    Turn.objects.filter(status="waiting").update(due_us=0)
