"""Running a thread's turns: lease, run, end, send, next; until nothing is due."""

import asyncio
import logging
import time
from collections.abc import Iterable
from enum import Enum

from botstate import exact_json
from botstate.actions.resolving import hot_controls
from botstate.conf import get_settings
from botstate.contracts.events import Event, Origin
from botstate.db.transactions import run_durable
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery, Turn
from botstate.models import Thread as ThreadRow
from botstate.runtime.bot import Bot
from botstate.runtime.handlers import run_handlers
from botstate.runtime.heartbeat import Pulse, heartbeat
from botstate.runtime.lease import Lease, hand_back, release_if_idle, require, take
from botstate.runtime.outbox import send, start_next_delivery
from botstate.runtime.platforms import get_platform
from botstate.runtime.registry import bots
from botstate.runtime.thread import Thread, TurnInfo
from botstate.runtime.turns import ClaimedTurn, end_done, end_failed, place_of, start_next_turn
from botstate.threads.buffer import StateBuffer

logger = logging.getLogger("botstate.runtime")

#: After so many turns, or so long, a thread is handed back, so that others get their turn.
MAX_TURNS_PER_LEASE = 20
MAX_SECONDS_PER_LEASE = 30


class Drained(Enum):
    """How the running of a thread ended."""

    IDLE = "idle"
    BUSY_ELSEWHERE = "busy elsewhere"
    UNFINISHED = "unfinished"
    SUPERSEDED = "superseded"
    BROKEN = "broken"


def run_threads(thread_ids: Iterable[int]) -> dict[int, Drained]:
    """Run each thread as `run_thread` does, and say how it ended.

    BROKEN: the database failed, or botstate did. It is logged, `redeliver` rings for the thread, and the others run.
    """
    ends: dict[int, Drained] = {}
    for thread_id in thread_ids:
        try:
            ends[thread_id] = run_thread(thread_id)
        except Exception as error:
            logger.error("thread %s: %s at %s", thread_id, type(error).__qualname__, place_of(error))
            ends[thread_id] = Drained.BROKEN
    return ends


def run_thread(thread_id: int) -> Drained:
    """Run the thread's waiting turns in order, and send what they post, under its lease.

    IDLE: nothing is due any more. BUSY_ELSEWHERE: another worker has the lease, and will see what waits. UNFINISHED:
    the thread was handed back with work left, ring for it again. SUPERSEDED: the lease was lost on the way.
    """
    using = get_settings().database
    row = ThreadRow.objects.using(using).filter(pk=thread_id).first()
    bot = bots.get(row.bot) if row else None
    if row is None or bot is None:
        if row is not None:
            logger.error("thread %s belongs to bot %r, which no bots.py defines", thread_id, row.bot)
        return Drained.IDLE
    lease = take(using, thread_id, bot.lock_ttl_us)
    if lease is None:
        return Drained.BUSY_ELSEWHERE
    with heartbeat.keeping(using, lease) as pulse:
        try:
            return _ThreadRun(using, bot, row, lease, pulse).drain()
        except TurnSuperseded:
            logger.warning("thread %s was taken over from fence %s", thread_id, lease.fence)
            return Drained.SUPERSEDED


class _ThreadRun:
    """One lease's time with one thread."""

    def __init__(self, using: str, bot: Bot, row: ThreadRow, lease: Lease, pulse: Pulse) -> None:
        self._using = using
        self._bot = bot
        self._row = row
        self._lease = lease
        self._pulse = pulse
        self._platform = get_platform(row.platform)
        self._origin = Origin(row.bot, row.platform, row.app, row.workspace)

    def drain(self) -> Drained:
        ends_at = time.monotonic() + MAX_SECONDS_PER_LEASE
        turns = 0
        while True:
            work = self._next_work()
            if isinstance(work, Delivery):
                send(self._using, work, self._platform, self._origin, self._row.key)
            elif work is not None:
                self._run(work)
                turns += 1
            elif release_if_idle(self._using, self._lease):
                return Drained.IDLE
            if turns >= MAX_TURNS_PER_LEASE or time.monotonic() >= ends_at:
                hand_back(self._using, self._lease)
                return Drained.UNFINISHED

    def _next_work(self) -> Delivery | ClaimedTurn | None:
        """Start what is due next, a message before a turn, so that what a turn posted goes out before the next one."""

        def start() -> Delivery | ClaimedTurn | None:
            now = require(self._using, self._lease)
            delivery = start_next_delivery(self._using, self._lease, now)
            return delivery or start_next_turn(self._using, self._lease, now, self._bot.max_attempts)

        return run_durable(self._using, start, "starting what is due")

    def _run(self, turn: ClaimedTurn) -> None:
        """Run one turn to its recorded end. Raises TurnSuperseded when it is not ours to end any more."""
        thread = Thread(
            key=self._row.key,
            platform_name=self._row.platform,
            workspace=self._row.workspace,
            turn=TurnInfo(turn.id, turn.attempt, self._pulse),
            state=StateBuffer(self._bot.schema, turn.state),
            platform=self._platform,
            components=self._bot.components,
        )
        try:
            event = Event.from_json(exact_json.loads(turn.event_text))
            run_handlers(self._using, self._bot, event, thread)
            thread.end()
            deliveries = end_done(self._using, self._lease, turn, thread, self._bot.action_retention_us)
        except (Exception, asyncio.CancelledError, SystemExit) as error:
            # A handler that calls sys.exit, or waits for a task that was cancelled, has failed like any other.
            thread.end()
            self._fail(turn, error)
            return
        self._remember(deliveries, thread)

    def _fail(self, turn: ClaimedTurn, error: BaseException) -> None:
        status = end_failed(self._using, self._lease, turn, error, self._bot.max_attempts)
        log = logger.error if status == Turn.Status.DEAD else logger.warning
        outcome = status or "done after all"
        log(
            "turn %s attempt %s %s: %s at %s", turn.id, turn.attempt, outcome, type(error).__qualname__, place_of(error)
        )

    def _remember(self, deliveries: list[Delivery], thread: Thread) -> None:
        for delivery, post in zip(deliveries, thread.posts, strict=True):
            for control in post.controls:
                hot_controls.remember(delivery.pk, control)
