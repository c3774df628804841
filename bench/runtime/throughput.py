"""Turns per second of one worker, beside the empty tasks that the same worker runs in a second."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from botproject.demo.processes import Program
from botproject.demo.waiting import wait_until
from botstate.models import Thread, Turn
from botstate.platforms.slack.parse import parse_event
from botstate.runtime.doorbell import publish
from botstate.runtime.inbox import accept
from botstate.runtime.registry import bots
from django.db import connection
from django.db.models import Max, Min

from bench.runtime import marks, programs
from bench.runtime.environment import IDLE_BOT
from bench.runtime.mentions import Mentions
from bench.runtime.scratch import Scratch
from bench.runtime.worker import empty

EMPTY_TASKS = 3_000
THREADS = 2_000
TURNS_OF_ONE = 1_000
POOLS = ("prefork", "solo")
PREPARED = "prepared"
STARTS_WITHIN_S = 20
#: Who is not through by then is judged by what is done.
RUNS_FOR_S = 3.0
LOOK_EVERY_S = 0.2


@dataclass
class Throughput:
    """What one pool did in a second, by round."""

    empty: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    one: list[float] = field(default_factory=list)

    def ratio_of(self, rates: list[float]) -> float:
        """The median of the rounds' ratios to empty tasks."""
        return statistics.median(mine / theirs for mine, theirs in zip(rates, self.empty, strict=True))


def measure_throughput(rounds: int, scratch: Scratch, logs: Path) -> dict[str, Throughput]:
    """Let a new worker meet what waits for it, once for each: empty tasks, many threads, one thread."""
    many, one = _prepare()
    scratch.keep(PREPARED)
    results = {pool: Throughput() for pool in POOLS}
    for _ in range(rounds):
        for pool, result in results.items():
            result.empty.append(_run(scratch, logs, pool, _publish_empty_tasks, _empty_tasks))
            result.many.append(_run(scratch, logs, pool, lambda: publish(many), lambda: _turns(many)))
            result.one.append(_run(scratch, logs, pool, lambda: publish(one), lambda: _turns(one)))
    return results


@dataclass(frozen=True)
class _Progress:
    """How many have ended of those that there are, and from the first start to the last end."""

    done: int
    of: int
    seconds: float


def _prepare() -> tuple[list[int], list[int]]:
    """Store a turn for each of many threads, and many turns for one; return both's threads."""
    bot = bots.for_app(IDLE_BOT)
    mentions = Mentions()

    def store(thread: int) -> None:
        event = parse_event(mentions.payload_in_thread(thread), bot.name, "", {})
        accept("default", bot, event)

    with connection.cursor() as cursor:
        # For this connection alone, which ends before anything is timed.
        cursor.execute("SET synchronous_commit = off")
    for thread in range(THREADS):
        store(1_000_000 + thread)
    many = list(Thread.objects.order_by("pk").values_list("pk", flat=True))
    for _ in range(TURNS_OF_ONE):
        store(2_000_000)
    one = Thread.objects.exclude(pk__in=many).values_list("pk", flat=True)
    return many, list(one)


def _run(
    scratch: Scratch, logs: Path, pool: str, publish_all: Callable[[], None], progress: Callable[[], _Progress]
) -> float:
    scratch.restore(PREPARED)
    publish_all()
    with programs.worker(logs, pool) as worker:
        wait_until(lambda: worker.require_running() or progress().done, "the first end", STARTS_WITHIN_S)
        _let_run(worker, progress)
    seen = progress()
    return seen.done / seen.seconds


def _let_run(worker: Program, progress: Callable[[], _Progress]) -> None:
    # Seldom, because asking takes time from the worker; when it ended is told by what it left.
    for _ in range(round(RUNS_FOR_S / LOOK_EVERY_S)):
        worker.require_running()
        seen = progress()
        if seen.done == seen.of:
            return
        time.sleep(LOOK_EVERY_S)


def _publish_empty_tasks() -> None:
    marks.clear(EMPTY_TASKS)
    with empty.app.producer_pool.acquire(block=True) as producer:
        for place in range(EMPTY_TASKS):
            empty.apply_async([place], producer=producer)


def _empty_tasks() -> _Progress:
    made = sorted(time_ns for time_ns in marks.read() if time_ns)
    return _Progress(len(made), EMPTY_TASKS, (made[-1] - made[0]) / 1e9 if made else 0.0)


def _turns(thread_ids: list[int]) -> _Progress:
    turns = Turn.objects.filter(thread_id__in=thread_ids) if len(thread_ids) == 1 else Turn.objects
    done = turns.filter(status=Turn.Status.DONE)
    seen = done.aggregate(first=Min("started_us"), last=Max("finished_us"))
    if seen["first"] is None:
        return _Progress(0, 1, 0.0)
    of = TURNS_OF_ONE if len(thread_ids) == 1 else THREADS
    return _Progress(done.count(), of, (seen["last"] - seen["first"]) / 1e6)
