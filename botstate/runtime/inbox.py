"""Accepting events: receipt and turn in one short transaction, before anybody is told that they were."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any, cast

from django.db import IntegrityError
from django.db.models import BigIntegerField, Case, F, Q, Value, When

from botstate import exact_json
from botstate.contracts.addresses import readable
from botstate.contracts.events import CONFLICTING_KINDS, POSTED_KINDS, Event, Ignored, Origin
from botstate.db.clock import StoreNow
from botstate.db.locks import locked
from botstate.db.postgresql import has_fast_path
from botstate.db.transactions import run_durable, run_joined, run_statement
from botstate.models import Delivery, Receipt, Thread, Turn
from botstate.runtime.addresses import message_digest, receipt_digest, thread_digest
from botstate.runtime.arrivals import REDELIVER_INTERVAL_US, Accepted, Arrival, Outcome, UndecidedError
from botstate.runtime.bot import LOCK_CONFLICTS, Bot
from botstate.runtime.conflicts import settle
from botstate.runtime.messages import IncomingMessage
from botstate.runtime.participation import takes_part
from botstate.runtime.places import place_of
from botstate.runtime.thread import ThreadView
from botstate.threads.buffer import StateBuffer, StoredState
from botstate.threads.states import read_state

logger = logging.getLogger("botstate.runtime")

#: Within which an event is accepted or refused, so that a platform that waits 3 seconds gets an answer.
ACCEPT_WITHIN_S = 2.5
MAX_TRIES = 3
MAX_REASON_CHARACTERS = 200
UNADDRESSED_REASON = "it neither mentions the bot nor is said where the bot takes part"
NO_HANDLER_REASON = "the bot has no handler for it"


def accept(using: str, bot: Bot, event: Event) -> Accepted:
    """Store an event's receipt and its turn, and return once they are committed.

    What the bot has no handler for leaves a receipt and no turn. A redelivery finds the receipt and changes nothing.
    The turn's sequence is taken under the thread's row, so that the order of turns is the order of commits.
    Raises StoreUnavailable, and then nothing was stored.
    """
    reason = _reason_to_ignore(using, bot, event)
    if reason is not None:
        return accept_ignored(using, bot, Ignored(event.origin, _ignored_identity(event), reason))
    event_text = exact_json.dumps(event.to_json(), "event")
    arrival = Arrival(bot, event, event_text, _policy(bot, event))
    try:
        return _store(using, arrival)
    except UndecidedError:
        # Nothing is locked while the project's code decides, and nothing has been stored.
        return _store(using, replace(arrival, policy=_chosen(using, bot, event)))


def accept_ignored(using: str, bot: Bot, ignored: Ignored) -> Accepted:
    """Store the receipt of an event that no handler could get, with the reason."""
    ignored = replace(ignored, reason=readable(ignored.reason)[:MAX_REASON_CHARACTERS])
    fast = _fast_path(using)
    if fast is not None and (accepted := fast.accept_ignored(using, bot, ignored, ACCEPT_WITHIN_S)):
        return cast(Accepted, accepted)
    receipt = _receipt(bot, ignored.origin, ignored.identity, ignored.reason)

    def store() -> Accepted:
        receipt.save(using=using, force_insert=True)
        return Accepted(Outcome.IGNORED)

    return _store_once(using, receipt, store)


def _reason_to_ignore(using: str, bot: Bot, event: Event) -> str | None:
    """Return why the bot does nothing about an event; None where it does something."""
    if not bot.handles(event) and not _is_on_own_message(using, event):
        return NO_HANDLER_REASON
    if bot.requires_mention and event.kind == "message" and not takes_part(using, event):
        return UNADDRESSED_REASON
    return None


def _ignored_identity(event: Event) -> str:
    """Return what names the event in the receipt of its being ignored.

    A message may be the twin of a mention that comes later, where the platform does not say which user the bot is.
    Ignoring the one must not keep out the other.
    """
    return f"{event.identity}, unheard" if event.kind == "message" else event.identity


def _is_on_own_message(using: str, event: Event) -> bool:
    """True for a reaction to a message of the bot's that has an `on_reaction`, and for a modal that it has opened.

    Whoever submits one whose handler is gone must be told so; one without an id never had a handler.
    """
    if event.kind not in ("reaction", "modal_submit") or event.data.get("action_id") == "":
        return False
    posted = Delivery.objects.using(using).filter(message_digest=message_digest(event.origin, event.channel, event.ref))
    if event.kind == "reaction":
        posted = posted.filter(actions__event="onReaction", actions__expires_us__gt=StoreNow())
    return run_statement(using, posted.exists)


def _policy(bot: Bot, event: Event) -> str | None:
    if event.kind not in CONFLICTING_KINDS:
        return ""
    return bot.on_lock_conflict if isinstance(bot.on_lock_conflict, str) else None


def _chosen(using: str, bot: Bot, event: Event) -> str:
    """Return what the bot's callable chooses; "queue", which loses nothing, where it fails to."""
    choose: Any = bot.on_lock_conflict
    digest = thread_digest(event.origin, event.conversation)
    try:
        row = Thread.objects.using(using).filter(digest=digest).first()
        stored = StoredState(None, 0) if row is None else read_state(using, row.pk)
        origin = event.origin
        thread = ThreadView(event.conversation, origin.platform, origin.workspace, StateBuffer(bot.schema, stored))
        chosen = choose(thread, IncomingMessage.of(event))
    except Exception as error:
        logger.error("on_lock_conflict of %r: %s at %s", bot, type(error).__qualname__, place_of(error))
        return "queue"
    if chosen in LOCK_CONFLICTS:
        return str(chosen)
    logger.error("on_lock_conflict of %r chose none of %s", bot, ", ".join(LOCK_CONFLICTS))
    return "queue"


def _fast_path(using: str) -> ModuleType | None:
    """Return the module of the database's own way to accept an event in one statement, or None."""
    return _accepting() if has_fast_path(using) else None


@cache
def _accepting() -> ModuleType:
    # Elsewhere there may be no psycopg to import.
    from botstate.runtime.postgresql import accepting  # noqa: PLC0415

    return accepting


def _receipt(bot: Bot, origin: Origin, identity: str, ignored: str = "") -> Receipt:
    return Receipt(
        digest=receipt_digest(origin, identity),
        bot=bot.name,
        platform=origin.platform,
        workspace=origin.workspace,
        identity=readable(identity),
        ignored=ignored,
        received_us=StoreNow(),
        expires_us=StoreNow() + Value(bot.dedup_ttl_us),
    )


def _store(using: str, arrival: Arrival) -> Accepted:
    """Store receipt and turn. Raises UndecidedError, having stored nothing, where the policy must be chosen first."""
    fast = _fast_path(using)
    if fast is not None and (accepted := fast.accept(using, arrival, ACCEPT_WITHIN_S)):
        return cast(Accepted, accepted)
    receipt = _receipt(arrival.bot, arrival.event.origin, arrival.event.identity)

    def store() -> Accepted:
        receipt.save(using=using, force_insert=True)
        return _store_turn(using, arrival, receipt)

    return _store_once(using, receipt, store)


def _store_once(using: str, receipt: Receipt, store: Callable[[], Accepted]) -> Accepted:
    """Run `store`, which begins by inserting the receipt, unless that stands already.

    A unique violation is a redelivery where the receipt is there and has not expired. Else two first events of a
    thread met, or an expired receipt was still there: then it is tried again.
    """
    ends_at = time.monotonic() + ACCEPT_WITHIN_S
    for _ in range(MAX_TRIES):
        try:
            return run_durable(using, store, "accepting an event", max(0.1, ends_at - time.monotonic()))
        except IntegrityError as error:
            failure = error
        if _stands(using, receipt):
            return Accepted(Outcome.DUPLICATE)
    raise failure


def _stands(using: str, receipt: Receipt) -> bool:
    """True if a live receipt of this identity is stored; one that has expired is removed."""
    stored = Receipt.objects.using(using).filter(pk=receipt.pk)
    if run_statement(using, stored.filter(expires_us__gt=StoreNow()).exists):
        return True
    run_joined(using, stored.filter(expires_us__lte=StoreNow()).delete)
    return False


def _store_turn(using: str, arrival: Arrival, receipt: Receipt) -> Accepted:
    event = arrival.event
    thread, posted = _lock_thread(using, event)
    if thread is None:
        thread = _new_thread(arrival.bot, event)
    settled = settle(using, thread, event.kind, arrival.policy, arrival.bot.limits)
    is_dropped = bool(settled.drop_reason)
    thread.last_sequence += 1
    _save_thread(using, thread, None if is_dropped else settled.wait_us)
    Turn(
        thread_id=thread.pk,
        receipt_id=receipt.pk,
        sequence=thread.last_sequence,
        kind=event.kind,
        event=arrival.event_text,
        posted=posted,
        policy="queue" if arrival.policy is None else arrival.policy,
        status=Turn.Status.DROPPED if is_dropped else Turn.Status.WAITING,
        reason=settled.drop_reason,
        due_us=StoreNow() + Value(settled.wait_us) if settled.wait_us else 0,
        received_us=StoreNow() if settled.since_us is None else settled.since_us,
        finished_us=StoreNow() if is_dropped else None,
    ).save(using=using, force_insert=True)
    return Accepted(Outcome.DROPPED) if is_dropped else Accepted(Outcome.ACCEPTED, thread.pk, settled.wait_us)


def _lock_thread(using: str, event: Event) -> tuple[Thread | None, int | None]:
    """Return the event's thread, locked, and the id of the delivery that it is about.

    What is about a message of the bot's own belongs to the thread that this was posted to.
    """
    threads = Thread.objects.using(using)
    if event.kind in POSTED_KINDS:
        digest = message_digest(event.origin, event.channel, event.ref)
        posted = Delivery.objects.using(using).filter(message_digest=digest).values_list("pk", "thread_id").first()
        if posted is not None:
            return locked(using, threads.filter(pk=posted[1])).first(), posted[0]
    found = threads.filter(digest=thread_digest(event.origin, event.conversation))
    return locked(using, found).first(), None


def _new_thread(bot: Bot, event: Event) -> Thread:
    return Thread(
        digest=thread_digest(event.origin, event.conversation),
        bot=bot.name,
        platform=event.origin.platform,
        app=event.origin.app,
        workspace=event.origin.workspace,
        key=event.conversation,
        created_us=StoreNow(),
    )


def _save_thread(using: str, thread: Thread, wait_us: int | None) -> None:
    """Store the thread's new sequence, and when to ring again for a turn that may run after `wait_us`; None: never."""
    soon = None if wait_us is None else StoreNow() + Value(REDELIVER_INTERVAL_US + wait_us)
    if thread.pk is None:
        thread.last_event_us, thread.ring_us = StoreNow(), soon
        thread.save(using=using, force_insert=True)
        return
    changes: dict[str, Any] = {"last_sequence": thread.last_sequence, "last_event_us": StoreNow()}
    if soon is not None:
        is_late = Q(ring_us=None) | Q(ring_us__gt=soon)
        changes["ring_us"] = Case(When(is_late, then=soon), default=F("ring_us"), output_field=BigIntegerField())
    Thread.objects.using(using).filter(pk=thread.pk).update(**changes)
