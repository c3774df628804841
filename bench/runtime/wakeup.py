"""From the 200 to the handler's first line, with a worker that has nothing else to do."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from botproject.demo.waiting import wait_until
from botstate.models import Turn

from bench.runtime import environment, marks, programs
from bench.runtime.mentions import Mentions, request
from bench.runtime.senders import send
from bench.timing import undisturbed

EVENTS = 200
WARM_UP = 8
POOL = "prefork"
STARTS_WITHIN_S = 20
#: A machine that is busy with other things sends fewer.
SENDS_FOR_S = 25


@dataclass(frozen=True)
class Wakeup:
    """Milliseconds from the 200 to the handler's start."""

    times: list[float]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return statistics.quantiles(self.times, n=100)[98]


def measure_wakeup(logs: Path) -> Wakeup:
    """Send one event at a time, each when the turn before it has ended."""
    marks.clear(WARM_UP + EVENTS)
    mentions = Mentions()
    times: list[float] = []
    ends_at = time.monotonic() + SENDS_FOR_S
    bot = {environment.BOT: environment.MARKING_BOT}
    with programs.site(logs, **bot) as port, programs.worker(logs, POOL) as worker:
        for place in range(WARM_UP + EVENTS):
            if len(times) > 2 * WARM_UP and time.monotonic() > ends_at:
                break
            message = request("/slack/events", mentions.payload(f"mark {place}"))
            with undisturbed():
                answered_ns = send(port, [message]).answered_ns
            wait_until(
                lambda: worker.require_running() or not Turn.objects.filter(finished_us=None).exists(),
                "the end of a turn",
                STARTS_WITHIN_S,
            )
            started_ns = marks.read()[place]
            if not started_ns:
                raise RuntimeError("a turn has ended whose handler never began")
            times.append((started_ns - answered_ns) / 1e6)
    return Wakeup(times[WARM_UP:])
