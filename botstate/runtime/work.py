"""What a worker does next with a thread: the steps between two handlers, each one transaction.

A step ends what was done, and starts the next message or turn or, where nothing is due, releases the lease: "nothing
due" and "released" are one transaction under the thread's row, as the acceptance of an event is. An event is seen here,
or finds the lease free and rings.
"""

from functools import cache
from types import ModuleType

from botstate.db.clock import now_us
from botstate.db.locks import locked
from botstate.db.postgresql import has_fast_path
from botstate.db.transactions import run_durable
from botstate.models import Delivery, Thread, Turn, TurnLease
from botstate.runtime.bot import Bot
from botstate.runtime.lease import Lease, free, require, take
from botstate.runtime.outbox import next_delivery, start_next_delivery
from botstate.runtime.turns import ClaimedTurn, Idle, mark_done, next_group, start_next_turn

Work = ClaimedTurn | Delivery


def begin(using: str, thread_id: int, bot: Bot) -> tuple[Lease, Work] | Idle | None:
    """Take the thread's lease and start its next work. None: another holder has it, or the thread is gone."""
    fast = _fast_path(using)
    if fast is not None:
        begun: tuple[Lease, Work | None] | Idle | None = fast.begin(using, thread_id, bot)
        if isinstance(begun, tuple) and begun[1] is None:
            return _with(begun[0], _advance(using, begun[0], bot, None))
        return begun  # type: ignore[return-value]  # a tuple with None was dealt with above

    def start() -> tuple[Lease, Work] | Idle | None:
        if _lock_thread(using, thread_id) is None:
            return None
        lease = take(using, thread_id, bot.lock_ttl_us)
        return None if lease is None else _with(lease, _next(using, lease, bot, now_us(using)))

    return run_durable(using, start, "taking a thread's lease")


def advance(using: str, lease: Lease, bot: Bot, done: ClaimedTurn | None = None) -> Work | Idle:
    """End the turn `done` well, if one is given, and start what is due next, or release the lease.

    Raises TurnSuperseded, and has changed nothing, when the lease is over.
    """
    fast = _fast_path(using)
    if fast is not None:
        work: Work | Idle | None = fast.advance(using, lease, bot, done)
        if work is not None:
            return work
        # The turn has ended; what comes next is none of the common cases.
        done = None
    return _advance(using, lease, bot, done)


def hand_back(using: str, lease: Lease, done: ClaimedTurn | None = None) -> None:
    """Give the lease back with work left, and end the turn `done` well, if one is given.

    The thread is due for a ring at once. Raises TurnSuperseded, and has changed nothing, when the lease is over.
    """
    fast = _fast_path(using)
    if fast is not None:
        fast.hand_back(using, lease, done)
        return

    def release() -> None:
        _lock_thread(using, lease.thread_id)
        now = require(using, lease)
        if done is not None:
            mark_done(using, lease, done.id, now)
        _release(using, lease, ring_us=now)

    run_durable(using, release, "releasing a thread's lease")


def _advance(using: str, lease: Lease, bot: Bot, done: ClaimedTurn | None) -> Work | Idle:
    def step() -> Work | Idle:
        _lock_thread(using, lease.thread_id)
        now = require(using, lease)
        if done is not None:
            mark_done(using, lease, done.id, now)
        return _next(using, lease, bot, now)

    return run_durable(using, step, "starting what is due")


def _next(using: str, lease: Lease, bot: Bot, now: int) -> Work | Idle:
    """Start what is due, a message before a turn, so that what a turn posted goes out before the next one runs."""
    work = start_next_delivery(using, lease, bot, now) or start_next_turn(using, lease, bot, now)
    if work is not None:
        return work
    due_us = _next_due_us(using, lease.thread_id)
    _release(using, lease, ring_us=due_us)
    return Idle(None if due_us is None else max(0, due_us - now))


def _release(using: str, lease: Lease, ring_us: int | None) -> None:
    free(using, lease)
    Thread.objects.using(using).filter(pk=lease.thread_id).update(ring_us=ring_us, rung_us=0)


def _next_due_us(using: str, thread_id: int) -> int | None:
    """Return when the thread's next message or turn is due; None when it has neither.

    Only the first in line counts of each, because a later one waits for it. A turn that runs beside the others is due
    when its lease ends, for then its worker has died.
    """
    # These first: what one of them posts when it ends is then either seen below, or rung for by what is seen here.
    beside = Turn.objects.using(using).filter(thread_id=thread_id, policy="parallel").open()
    waiting = beside.exclude(status=Turn.Status.RUNNING).order_by("due_us").values_list("due_us", flat=True)
    running = TurnLease.objects.using(using).filter(turn__in=beside.filter(status=Turn.Status.RUNNING))
    due = [waiting.first(), running.order_by("expires_us").values_list("expires_us", flat=True).first()]
    delivery = next_delivery(using, thread_id)
    if delivery is not None:
        due.append(delivery.due_us)
    group = next_group(using, thread_id)
    if group is not None:
        due.append(group.due_us)
    return min((us for us in due if us is not None), default=None)


def _lock_thread(using: str, thread_id: int) -> Thread | None:
    return locked(using, Thread.objects.using(using).filter(pk=thread_id)).first()


def _with(lease: Lease, work: Work | Idle) -> tuple[Lease, Work] | Idle:
    return work if isinstance(work, Idle) else (lease, work)


def _fast_path(using: str) -> ModuleType | None:
    """Return the module of the database's own way to do a step in one statement, or None."""
    return _working() if has_fast_path(using) else None


@cache
def _working() -> ModuleType:
    # Elsewhere there may be no psycopg to import.
    from botstate.runtime.postgresql import working  # noqa: PLC0415

    return working
