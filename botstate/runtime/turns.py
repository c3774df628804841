"""The rows of a turn's life: claimed under a lease, ended under it."""

import random
from dataclasses import dataclass, field
from itertools import takewhile

from django.db.models import F, Q

from botstate.db.batches import locking
from botstate.db.clock import StoreNow, now_us
from botstate.db.locks import locked
from botstate.db.transactions import run_durable
from botstate.exceptions import TurnSuperseded
from botstate.models import Thread, Turn
from botstate.runtime.bot import Bot
from botstate.runtime.conflicts import GATHERING, MAX_QUIET_PERIODS, gathers
from botstate.runtime.lease import Lease, free, require, take_turn
from botstate.runtime.places import place_of
from botstate.threads.buffer import StoredState
from botstate.threads.states import read_state

FIRST_BACKOFF_US = 1_000_000
MAX_BACKOFF_US = 60 * 1_000_000
DIED_REASON = "its worker died"
MERGED_REASON = "handed to a later message, as a skipped one"
#: So many messages become one turn at most; more become another.
MAX_GROUP = 100
#: How many turns that run side by side are looked through for one to run.
MAX_BESIDE = 100


class TurnTimeoutError(TimeoutError):
    """A turn ran for longer than the bot's `turn_timeout`."""


@dataclass(frozen=True, slots=True)
class ClaimedTurn:
    """A turn that is ours to run: its event as exact JSON text, and the state that it starts from.

    skipped: the events of the earlier messages that it stands for, oldest first. posted: the id of the delivery whose
    message the event is about, where it was known when the event came.
    """

    id: int
    attempt: int
    event_text: str
    state: StoredState
    skipped: tuple[str, ...] = ()
    posted: int | None = None


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing is due, and nobody holds the thread. wait_us: until something will be, None if nothing waits."""

    wait_us: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """The turns that run next, as one: the last of them, with the others' messages as skipped ones."""

    turns: list[Turn] = field(default_factory=list)
    due_us: int = 0


def next_group(using: str, thread_id: int) -> Group | None:
    """Return what the thread runs next in line, due or not."""
    in_line = Turn.objects.using(using).filter(thread_id=thread_id).in_line()
    first = in_line.first_open().first()
    if first is None:
        return None
    if not gathers(first):
        return Group([first], first.due_us)
    following = in_line.open().filter(sequence__gte=first.sequence).order_by("sequence")
    gathered = list(takewhile(gathers, following[:MAX_GROUP]))
    if first.policy == "burst":
        return Group(gathered, first.due_us)
    last = gathered[-1]
    quiet_us = last.due_us - last.received_us
    return Group(gathered, min(last.due_us, first.received_us + MAX_QUIET_PERIODS * quiet_us))


def start_next_turn(using: str, lease: Lease, bot: Bot, now_us: int) -> ClaimedTurn | None:
    """Mark the thread's next turn as running and return it, or None when none is due. Under the lease's lock.

    A turn that is found running lost its worker, and is run again, as long as attempts are left; else it is dead.
    """
    while (group := next_group(using, lease.thread_id)) is not None:
        turn = group.turns[-1]
        if turn.attempts < bot.max_attempts:
            if group.due_us > now_us:
                return None
            is_new = turn.started_us is None
            skipped = tuple(other.event for other in group.turns[:-1]) if is_new else _skipped(using, turn)
            _merge(using, group, now_us)
            return _start(using, lease, turn, now_us, skipped)
        _bury(using, turn, now_us)
    return None


def start_turn_beside(using: str, thread_id: int, bot: Bot) -> tuple[Lease, ClaimedTurn] | None:
    """Start one of the turns that need no lease of their thread, under a lease of its own; None when none is due.

    Turns that another worker is just starting are left to it.
    """

    turns = Turn.objects.using(using)

    def start() -> tuple[Lease, ClaimedTurn] | None:
        now = now_us(using)
        due = Q(status__in=[Turn.Status.WAITING, Turn.Status.FAILED], due_us__lte=now)
        deserted = Q(status=Turn.Status.RUNNING, lease__expires_us__lte=now)
        # Their order is asked for in a way that no index has, which would be walked through all that has ended.
        found = turns.filter(thread_id=thread_id, policy="parallel").open().filter(due | deserted)
        found = found.order_by(F("sequence") + 0)
        for pk in list(found.values_list("pk", flat=True)[:MAX_BESIDE]):
            started = _start_beside(using, thread_id, pk, bot)
            if started is not None:
                return started
        return None

    return run_durable(using, start, "starting a turn")


def mark_done(using: str, lease: Lease, turn_id: int, now_us: int) -> None:
    """Record that a turn has ended well. Belongs in the transaction that has required its lease.

    Raises TurnSuperseded where a later message has ended it meanwhile.
    """
    running = Turn.objects.using(using).filter(pk=turn_id, status=Turn.Status.RUNNING, fence=lease.fence)
    if not running.update(status=Turn.Status.DONE, finished_us=now_us, error_type="", error_place="", reason=""):
        raise TurnSuperseded(f"turn {turn_id} was ended before")


def end_failed(using: str, lease: Lease, turn: ClaimedTurn, error: BaseException, bot: Bot) -> Turn.Status | None:
    """Record a failed attempt: tried again after a backoff, or dead after the last one. Raises TurnSuperseded.

    Returns None, and records nothing, where the turn has ended well after all: the error was then that of a
    connection that broke while it brought the answer to the COMMIT.
    """
    failure = (type(error).__qualname__, place_of(error))
    return run_durable(using, lambda: _record_failure(using, lease, turn, bot, failure), "ending a turn")


def end_timed_out(using: str, lease: Lease, turn: ClaimedTurn, bot: Bot, *, place: str) -> Turn.Status | None:
    """Record that a turn ran for too long, and end its lease, so that others go on at once.

    Returns None, and changes nothing, where the turn has ended meanwhile. Raises TurnSuperseded.
    """

    def end() -> Turn.Status | None:
        locked(using, Thread.objects.using(using).filter(pk=lease.thread_id)).first()
        status = _record_failure(using, lease, turn, bot, (TurnTimeoutError.__qualname__, place))
        if status is not None:
            if lease.turn_id is None:
                free(using, lease)
            Thread.objects.using(using).filter(pk=lease.thread_id).update(ring_us=StoreNow(), rung_us=0)
        return status

    return run_durable(using, end, "ending a turn")


def backoff_us(attempt: int) -> int:
    """Return how long to wait after failed attempt number `attempt`: 1 s, doubling up to 60 s, with jitter."""
    longest = min(FIRST_BACKOFF_US * 2 ** (attempt - 1), MAX_BACKOFF_US)
    return random.randint(longest // 2, longest)


def _start_beside(using: str, thread_id: int, turn_id: int, bot: Bot) -> tuple[Lease, ClaimedTurn] | None:
    turn = locking(using, Turn.objects.using(using).open().filter(pk=turn_id)).first()
    lease = None if turn is None else take_turn(using, thread_id, turn_id, bot.lock_ttl_us)
    if turn is None or lease is None:
        return None
    now = require(using, lease)
    if turn.attempts < bot.max_attempts and turn.due_us <= now:
        return lease, _start(using, lease, turn, now)
    if turn.attempts >= bot.max_attempts:
        _bury(using, turn, now)
    free(using, lease)
    return None


def _record_failure(
    using: str, lease: Lease, turn: ClaimedTurn, bot: Bot, failure: tuple[str, str]
) -> Turn.Status | None:
    error_type, error_place = failure
    is_last = turn.attempt >= bot.max_attempts
    status = Turn.Status.DEAD if is_last else Turn.Status.FAILED
    now = require(using, lease)
    running = Turn.objects.using(using).filter(pk=turn.id, status=Turn.Status.RUNNING, fence=lease.fence)
    changed = running.update(
        status=status,
        due_us=now + backoff_us(turn.attempt),
        finished_us=now if is_last else None,
        error_type=error_type[:200],
        error_place=error_place[:300],
    )
    if lease.turn_id is not None:
        free(using, lease)
    return status if changed else None


def _merge(using: str, group: Group, now_us: int) -> None:
    *others, last = group.turns
    if others:
        Turn.objects.using(using).filter(pk__in=[turn.pk for turn in others]).update(
            status=Turn.Status.SUPERSEDED, merged_into=last.sequence, reason=MERGED_REASON, finished_us=now_us
        )


def _bury(using: str, turn: Turn, now_us: int) -> None:
    turn.status, turn.reason, turn.finished_us = Turn.Status.DEAD, DIED_REASON, now_us
    turn.save(using=using, update_fields=["status", "reason", "finished_us"])


def _start(using: str, lease: Lease, turn: Turn, now: int, skipped: tuple[str, ...] = ()) -> ClaimedTurn:
    turn.status = Turn.Status.RUNNING
    turn.attempts += 1
    turn.fence, turn.started_us = lease.fence, now
    turn.save(using=using, update_fields=["status", "attempts", "fence", "started_us"])
    state = read_state(using, turn.thread_id)
    return ClaimedTurn(turn.pk, turn.attempts, turn.event, state, skipped, turn.posted)


def _skipped(using: str, turn: Turn) -> tuple[str, ...]:
    if turn.policy not in GATHERING:
        return ()
    merged = Turn.objects.using(using).filter(thread_id=turn.thread_id, merged_into=turn.sequence)
    events = merged.filter(status=Turn.Status.SUPERSEDED).order_by("sequence").values_list("event", flat=True)
    return tuple(events[:MAX_GROUP])
