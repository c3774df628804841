"""Accepting an event on PostgreSQL: receipt, sequence and turn in one statement."""

from botstate.contracts.addresses import readable
from botstate.contracts.events import POSTED_KINDS, Ignored, Origin
from botstate.runtime.addresses import message_digest, receipt_digest, thread_digest
from botstate.runtime.arrivals import REDELIVER_INTERVAL_US, Accepted, Arrival, Outcome, UndecidedError
from botstate.runtime.bot import Bot
from botstate.runtime.conflicts import CONFLICT_REASON
from botstate.runtime.postgresql.statements import runtime_statements

_IGNORE = "SELECT botstate_ignore(%s, %s, %s, %s, %s, %s, %s, %s)"
_ACCEPT = (
    "SELECT outcome, thread_id FROM botstate_accept(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
#: Where a message finds its thread busy, "force" is the portable path's; so are those that wait, or run beside others.
_POLICIES = {"": "", "queue": "queue", "drop": "drop", None: "ask"}
_WHAT = "accepting an event"


def accept(using: str, arrival: Arrival, within_s: float) -> Accepted | None:
    """Store the receipt and turn of an event, or return None for the portable path to do it. Raises UndecidedError."""
    if arrival.policy not in _POLICIES:
        return None
    bot, event = arrival.bot, arrival.event
    is_posted = event.kind in POSTED_KINDS
    parameters = (
        *_receipt(bot, event.origin, event.identity, within_s),
        event.origin.app,
        thread_digest(event.origin, event.conversation),
        message_digest(event.origin, event.channel, event.ref) if is_posted else None,
        event.conversation,
        event.kind,
        arrival.event_text,
        _POLICIES[arrival.policy],
        str(bot.limits.max_waiting),
        str(REDELIVER_INTERVAL_US),
        CONFLICT_REASON,
    )
    ((outcome, thread_id),) = runtime_statements(using).run_alone(_ACCEPT, parameters, _WHAT)
    if outcome == "undecided":
        raise UndecidedError
    if outcome == "portable":
        return None
    if outcome == "expected":
        return Accepted(Outcome.ACCEPTED)
    return Accepted(Outcome(outcome), thread_id if outcome == "accepted" else None)


def accept_ignored(using: str, bot: Bot, ignored: Ignored, within_s: float) -> Accepted | None:
    """Store the receipt of an event that has no turn, or return None for the portable path to do it."""
    parameters = (*_receipt(bot, ignored.origin, ignored.identity, within_s), ignored.reason)
    ((outcome,),) = runtime_statements(using).run_alone(_IGNORE, parameters, _WHAT)
    return None if outcome == "portable" else Accepted(Outcome(outcome))


def _receipt(bot: Bot, origin: Origin, identity: str, within_s: float) -> tuple[object, ...]:
    # An event waits for two locks at most: that of its receipt and that of its thread.
    patience = f"{int(within_s * 500)}ms"
    ttl = str(bot.dedup_ttl_us)
    digest = receipt_digest(origin, identity)
    return (digest, bot.name, origin.platform, origin.workspace, readable(identity), ttl, patience)
