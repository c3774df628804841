"""Slack's side: each thread's events one after another, the threads at once, and again what got no 200."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from botproject.demo.slack_client import SlackClient
from botproject.demo.slack_workspace import SlackWorkspace
from soak.errands import Errand

#: Slack comes again at once, after a minute and after five; here in less time, and until it is answered.
FIRST_RETRY_S, LONGEST_RETRY_S = 0.05, 1.0
SLACK_WAITS_MS = 3_000


@dataclass
class Answers:
    """What the site answered.

    in_doubt: sent, and not answered with 200 within the time of the run. log: all answers with their times, in words.
    """

    accepted: list[Errand] = field(default_factory=list)
    in_doubt: list[Errand] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)


class Senders:
    """Sends every thread's errands, with pauses that add up to `seconds`; safe to ask while it does."""

    def __init__(
        self, planned: Sequence[Sequence[Errand]], clients: Sequence[SlackClient], seed: int, seconds: float
    ) -> None:
        """Take one client per thread, whose bot's app it speaks for."""
        self.answers = Answers()
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, args=arguments, daemon=True)
            for arguments in zip(_payloads(planned), clients, _pauses(planned, seed, seconds), strict=True)
        ]

    def start(self) -> None:
        """Begin to send."""
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()

    def wait(self, until: float) -> None:
        """Wait until all is answered, at the longest until this monotonic time, at which the sending ends."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.stop()

    def stop(self) -> None:
        """End the sending, answered or not."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _send_all(self, events: list[tuple[Errand, dict[str, Any]]], client: SlackClient, pauses: list[float]) -> None:
        for (errand, payload), pause in zip(events, pauses, strict=True):
            if self._stop.wait(pause):
                return
            is_accepted = self._send(errand, payload, client)
            with self._lock:
                (self.answers.accepted if is_accepted else self.answers.in_doubt).append(errand)
            if not is_accepted:
                return

    def _send(self, errand: Errand, payload: dict[str, Any], client: SlackClient) -> bool:
        wait, tries = FIRST_RETRY_S, 0
        while True:
            sent = time.monotonic()
            said = _try(client, payload, tries)
            took_ms = (time.monotonic() - sent) * 1_000
            with self._lock:
                self.answers.counts[said] += 1
                self.answers.log.append(f"{sent - self._begun:7.2f} s  {errand.name} {said} after {took_ms:.0f} ms")
            if said.startswith(str(HTTPStatus.OK.value)):
                return True
            tries += 1
            if self._stop.wait(wait):
                return False
            wait = min(wait * 2, LONGEST_RETRY_S)


def _try(client: SlackClient, payload: dict[str, Any], tries: int) -> str:
    try:
        answer = client.send_event(payload, retry=min(tries, 3))
    except (OSError, HTTPException) as error:
        return type(error).__name__
    return f"{answer.status}{', late' if answer.ms > SLACK_WAITS_MS else ''}"


def _payloads(planned: Sequence[Sequence[Errand]]) -> list[list[tuple[Errand, dict[str, Any]]]]:
    """Return every event as Slack would send it; a thread's first is its root."""
    workspace = SlackWorkspace()
    threads = []
    for errands in planned:
        root, events = None, []
        for errand in errands:
            payload = workspace.mention("U1", errand.text, root)
            payload["event"] |= {"type": "message", "text": errand.text}
            root = root or payload["event"]["ts"]
            events.append((errand, payload))
        threads.append(events)
    return threads


def _pauses(planned: Sequence[Sequence[Errand]], seed: int, seconds: float) -> list[list[float]]:
    rng = random.Random(f"pauses {seed}")
    threads = []
    for errands in planned:
        cuts = sorted(rng.uniform(0, seconds) for _ in errands)
        threads.append([cut - before for before, cut in zip([0.0, *cuts], cuts, strict=False)])
    return threads
