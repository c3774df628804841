"""Acknowledged events per second: a bare view, Bolt's adapter and botstate, on servers with the same settings."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from botstate.models import Receipt, Turn

from bench.runtime import environment, programs
from bench.runtime.mentions import Mentions
from bench.runtime.senders import Sent, send
from bench.timing import undisturbed

SENDERS = 16
BLOCKS = 4
BLOCK_S = 0.4
WARM_UP_S = 0.5
#: More than a block can send; they are signed before it begins.
MOST_PER_SECOND = 8_000

BARE, BOLT, OURS, SILENT = "bare view", "Bolt", "botstate", "botstate, silent broker"
_PATHS = {BARE: "/bare/events", BOLT: "/bolt/events", OURS: "/slack/events", SILENT: "/slack/events"}


@dataclass
class Acknowledged:
    """What one contestant acknowledged, by round."""

    rounds: list[list[Sent]] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Events per second, by round."""
        return [sum(len(sent.times) for sent in one) / sum(sent.seconds for sent in one) for one in self.rounds]

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)

    @property
    def p50(self) -> float:
        """The median of all times, in milliseconds."""
        return statistics.median(_times(self.rounds))

    @property
    def p99(self) -> float:
        """The 99th percentile of all times, in milliseconds."""
        return statistics.quantiles(_times(self.rounds), n=100)[98]

    def ratio_to(self, other: "Acknowledged") -> float:
        """The median of the rounds' ratios of rates."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.rates, other.rates, strict=True))

    def tail_ratio_to(self, other: "Acknowledged") -> float:
        """The ratio of both p99, upside down as rates are: less than 1 is slower. A round alone has too few for it."""
        return other.p99 / self.p99


@dataclass
class Webhooks:
    """The contestants' results by name, and whether what botstate acknowledged was there afterwards."""

    results: dict[str, Acknowledged]
    acknowledged: int
    receipts: int
    turns: int


def measure_webhooks(rounds: int, logs: Path) -> Webhooks:
    """Send to one contestant after another, again and again. Every event is stored in the run's database."""
    with _sites(logs) as ports:
        results = {name: Acknowledged() for name in ports}
        stored = 0
        for name, port in ports.items():
            stored += _count(name, _block(name, port, WARM_UP_S))
        for _ in range(rounds):
            for result in results.values():
                result.rounds.append([])
            for _ in range(BLOCKS):
                for name, port in ports.items():
                    sent = _block(name, port, BLOCK_S)
                    results[name].rounds[-1].append(sent)
                    stored += _count(name, sent)
    return Webhooks(results, stored, Receipt.objects.count(), Turn.objects.count())


@contextmanager
def _sites(logs: Path) -> Iterator[dict[str, int]]:
    with ExitStack() as stack:
        ports = {BARE: stack.enter_context(programs.site(logs / "bare"))}
        if find_spec("slack_bolt"):
            ports[BOLT] = stack.enter_context(programs.site(logs / "bolt"))
        ports[OURS] = stack.enter_context(programs.site(logs / "ours"))
        broker = stack.enter_context(programs.silent_broker())
        ports[SILENT] = stack.enter_context(programs.site(logs / "silent", **{environment.BROKER: broker}))
        yield ports


def _block(name: str, port: int, seconds: float) -> Sent:
    requests = Mentions().requests(_PATHS[name], int(seconds * MOST_PER_SECOND))
    with undisturbed():
        return send(port, requests, SENDERS, seconds)


def _count(name: str, sent: Sent) -> int:
    return len(sent.times) if name in (OURS, SILENT) else 0


def _times(rounds: list[list[Sent]]) -> list[float]:
    return [time for one in rounds for sent in one for time in sent.times]
