"""A worker's steps on PostgreSQL: one statement each."""

from typing import Any

from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery
from botstate.runtime.bot import Bot
from botstate.runtime.lease import Lease, holder, new_token
from botstate.runtime.outbox import MAX_ATTEMPTS
from botstate.runtime.postgresql.statements import runtime_statements
from botstate.runtime.turns import ClaimedTurn, Idle
from botstate.threads.buffer import StoredState

# (outcome, work_id, attempt, event, state, version, due_us, posted, fence, now_us)
_BEGIN = "SELECT * FROM botstate_begin(%s, %s, %s, %s, %s, %s, %s)"
_ADVANCE = "SELECT * FROM botstate_advance(%s, %s, %s, %s, %s, %s, %s)"
_HAND_BACK = "SELECT botstate_hand_back(%s, %s, %s, %s)"
Row = tuple[Any, ...]


def begin(using: str, thread_id: int, bot: Bot) -> tuple[Lease, ClaimedTurn | Delivery | None] | Idle | None:
    """Take a thread's lease and start its next work. No work with a lease: the portable path must start it."""
    token = new_token()
    parameters = (str(thread_id), token, str(bot.lock_ttl_us), holder(), *_rules(bot))
    (row,) = runtime_statements(using).run_alone(_BEGIN, parameters, "taking a thread's lease")
    if row[0] in ("busy", "gone"):
        return None
    if row[0] == "idle":
        return _idle(row)
    return Lease(thread_id, token, row[8], bot.lock_ttl_us), _work(using, row)


def advance(using: str, lease: Lease, bot: Bot, done: ClaimedTurn | None) -> ClaimedTurn | Delivery | Idle | None:
    """End a turn and start the next work, or release the lease. None: the portable path must start the next work."""
    (row,) = runtime_statements(using).run_alone(_ADVANCE, (*_held(lease, done), *_rules(bot)), "starting what is due")
    if row[0] == "superseded":
        raise _superseded(lease)
    return _idle(row) if row[0] == "idle" else _work(using, row)


def hand_back(using: str, lease: Lease, done: ClaimedTurn | None) -> None:
    """End a turn and give the lease back with work left."""
    ((is_given_back,),) = runtime_statements(using).run_alone(_HAND_BACK, _held(lease, done), "releasing a lease")
    if not is_given_back:
        raise _superseded(lease)


def _held(lease: Lease, done: ClaimedTurn | None) -> tuple[object, ...]:
    return str(lease.thread_id), lease.token, str(lease.fence), None if done is None else str(done.id)


def _superseded(lease: Lease) -> TurnSuperseded:
    return TurnSuperseded(f"the lease {lease.fence} on thread {lease.thread_id} is over")


def _rules(bot: Bot) -> tuple[object, ...]:
    return bot.max_attempts, MAX_ATTEMPTS, bot.sends_once


def _idle(row: Row) -> Idle:
    due_us, now_us = row[6], row[9]
    return Idle(None if due_us is None else max(0, due_us - now_us))


def _work(using: str, row: Row) -> ClaimedTurn | Delivery | None:
    outcome, work_id, attempt, event, state, version = row[:6]
    if outcome == "turn":
        return ClaimedTurn(work_id, attempt, event, StoredState(state or None, version or 0), posted=row[7])
    if outcome == "delivery":
        return Delivery.objects.using(using).get(pk=work_id)
    return None
