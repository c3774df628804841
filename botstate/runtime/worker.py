"""Running a thread's turns: lease, run, end, send, next; until nothing is due."""

import logging
import time
from collections.abc import Iterable
from enum import Enum

from botstate.conf import get_settings
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery
from botstate.models import Thread as ThreadRow
from botstate.runtime.doorbell import doorbell
from botstate.runtime.handover import Batch
from botstate.runtime.heartbeat import Pulse, heartbeat
from botstate.runtime.lease import Lease
from botstate.runtime.places import place_of
from botstate.runtime.registry import bots
from botstate.runtime.stopping import is_stopping
from botstate.runtime.turn_run import Conversation, TurnRun, send_delivery
from botstate.runtime.turns import ClaimedTurn, Idle, start_turn_beside
from botstate.runtime.work import Work, advance, begin, hand_back

logger = logging.getLogger("botstate.runtime")

#: After so many turns, or so long, a thread is handed back, so that others get their turn.
MAX_TURNS_PER_LEASE = 20
MAX_SECONDS_PER_LEASE = 30
#: What is due later than that is left to `redeliver`: a broker is no place to keep things for long.
MAX_RING_AHEAD_US = 60 * 1_000_000


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
    UNFINISHED: there is more to do, and the bell has to be rung again; so it is with all that are left when the worker
    was told to stop. Threads that wait here behind a slow one are rung for, so that another worker takes them.
    """
    ends: dict[int, Drained] = {}
    using = get_settings().database
    with Batch(thread_ids) as batch:
        rows: dict[int, ThreadRow] | None = None
        for thread_id in batch:
            if is_stopping():
                ends[thread_id] = Drained.UNFINISHED
                continue
            try:
                if rows is None:
                    rows = ThreadRow.objects.using(using).in_bulk([thread_id, *batch.waiting])
                ends[thread_id] = _run(using, rows.get(thread_id))
            except Exception as error:
                logger.error("thread %s: %s at %s", thread_id, type(error).__qualname__, place_of(error))
                ends[thread_id] = Drained.BROKEN
    return ends


def run_thread(thread_id: int) -> Drained:
    """Run the thread's waiting turns in order, and send what they post, under its lease.

    Turns that run beside the others come first, each under a lease of its own. IDLE: nothing is due any more.
    BUSY_ELSEWHERE: another worker has the lease, and will see what waits. UNFINISHED: the thread was handed back with
    work left, ring for it again. SUPERSEDED: the lease was lost on the way.
    """
    using = get_settings().database
    return _run(using, ThreadRow.objects.using(using).filter(pk=thread_id).first())


def _run(using: str, row: ThreadRow | None) -> Drained:
    bot = bots.get(row.bot) if row else None
    if row is None or bot is None:
        if row is not None:
            logger.error("thread %s belongs to bot %r, which no bots.py defines", row.pk, row.bot)
        return Drained.IDLE
    thread_id = row.pk
    conversation = Conversation(using, bot, row)
    if bot.may_run_in_parallel and not _run_beside(conversation):
        return Drained.UNFINISHED
    begun_at = time.monotonic()
    begun = begin(using, thread_id, bot)
    if begun is None:
        return Drained.BUSY_ELSEWHERE
    if isinstance(begun, Idle):
        if begun.wait_us == 0 and not bot.may_run_in_parallel and not _run_beside(conversation):
            # What is due and was not begun runs beside the others, as an earlier release of the bot would have it.
            return Drained.UNFINISHED
        _ring_when_due(thread_id, begun)
        return Drained.IDLE
    lease, work = begun
    with heartbeat.keeping(using, lease, begun_at) as pulse:
        try:
            return _drain(conversation, lease, pulse, work)
        except TurnSuperseded:
            logger.warning("thread %s was taken over from fence %s", thread_id, lease.fence)
            # What was on its way from here has arrived; others may have left what comes after it.
            doorbell.ring(thread_id)
            return Drained.SUPERSEDED


def _drain(conversation: Conversation, lease: Lease, pulse: Pulse, work: Work) -> Drained:
    using, bot = conversation.using, conversation.bot
    ends_at = time.monotonic() + MAX_SECONDS_PER_LEASE
    turns = 0
    while True:
        done = _do(conversation, lease, pulse, work)
        turns += isinstance(work, ClaimedTurn)
        if is_stopping() or turns >= MAX_TURNS_PER_LEASE or time.monotonic() >= ends_at:
            hand_back(using, lease, done)
            return Drained.UNFINISHED
        following = advance(using, lease, bot, done)
        if isinstance(following, Idle):
            _ring_when_due(lease.thread_id, following)
            return Drained.IDLE
        work = following


def _do(conversation: Conversation, lease: Lease, pulse: Pulse, work: Work) -> ClaimedTurn | None:
    """Do a piece of work; return the turn that is still to be marked as done."""
    if isinstance(work, Delivery):
        send_delivery(conversation, work, pulse)
        return None
    return TurnRun(conversation, lease, pulse, work).run()


def _run_beside(conversation: Conversation) -> bool:
    """Run the thread's turns that need no lease of it; while one runs here, others are rung for.

    False where the worker was told to stop on the way.
    """
    ends_at = time.monotonic() + MAX_SECONDS_PER_LEASE
    for _ in range(MAX_TURNS_PER_LEASE):
        begun_at = time.monotonic()
        started = start_turn_beside(conversation.using, conversation.thread_id, conversation.bot)
        if started is None:
            break
        lease, turn = started
        doorbell.ring(conversation.thread_id)
        with heartbeat.keeping(conversation.using, lease, begun_at) as pulse:
            try:
                done = TurnRun(conversation, lease, pulse, turn).run()
                if done is not None:
                    conversation.mark_done(lease, done)
            except TurnSuperseded:
                logger.warning("turn %s was taken over from fence %s", turn.id, lease.fence)
        if is_stopping():
            return False
        if time.monotonic() >= ends_at:
            break
    return True


def _ring_when_due(thread_id: int, idle: Idle) -> None:
    if idle.wait_us is not None and idle.wait_us <= MAX_RING_AHEAD_US:
        doorbell.ring(thread_id, idle.wait_us / 1_000_000)
