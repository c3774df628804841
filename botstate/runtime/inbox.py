"""Accepting events: receipt and turn in one short transaction, before anybody is told that they were."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import IntegrityError
from django.db.models import BigIntegerField, Case, F, Q, Value, When

from botstate import exact_json
from botstate.contracts.addresses import readable
from botstate.contracts.events import CONFLICTING_KINDS, Event, Ignored, Origin
from botstate.db.clock import StoreNow
from botstate.db.transactions import run_durable, run_joined
from botstate.models import Delivery, Receipt, Thread, Turn
from botstate.runtime.addresses import message_digest, receipt_digest, thread_digest
from botstate.runtime.bot import Bot

#: Within which an event is accepted or refused, so that a platform that waits 3 seconds gets an answer.
ACCEPT_WITHIN_S = 2.5
MAX_TRIES = 3
#: How long a bell that was rung is trusted before `redeliver` rings again.
REDELIVER_INTERVAL_US = 10 * 1_000_000
MAX_REASON_CHARACTERS = 200
NO_HANDLER_REASON = "the bot has no handler for it"
CONFLICT_REASON = "a turn of the thread was running or waiting"


class Outcome(Enum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcome, and the thread to ring for where there is something to run."""

    outcome: Outcome
    thread_id: int | None = None


def accept(using: str, bot: Bot, event: Event) -> Accepted:
    """Store an event's receipt and its turn, and return once they are committed.

    What the bot has no handler for leaves a receipt and no turn. A redelivery finds the receipt and changes nothing.
    The turn's sequence is taken under the thread's row, so that the order of turns is the order of commits.
    Raises StoreUnavailable, and then nothing was stored.
    """
    if not bot.handles(event):
        return accept_ignored(using, bot, Ignored(event.origin, event.identity, NO_HANDLER_REASON))
    event_text = exact_json.dumps(event.to_json(), "event")
    receipt = _receipt(bot, event.origin, event.identity)

    def store() -> Accepted:
        receipt.save(using=using, force_insert=True)
        return _store_turn(using, bot, event, event_text, receipt)

    return _store_once(using, receipt, store)


def accept_ignored(using: str, bot: Bot, ignored: Ignored) -> Accepted:
    """Store the receipt of an event that no handler could get, with the reason."""
    receipt = _receipt(bot, ignored.origin, ignored.identity, ignored.reason)

    def store() -> Accepted:
        receipt.save(using=using, force_insert=True)
        return Accepted(Outcome.IGNORED)

    return _store_once(using, receipt, store)


def _receipt(bot: Bot, origin: Origin, identity: str, ignored: str = "") -> Receipt:
    return Receipt(
        digest=receipt_digest(origin, identity),
        bot=bot.name,
        platform=origin.platform,
        workspace=origin.workspace,
        identity=readable(identity),
        ignored=readable(ignored)[:MAX_REASON_CHARACTERS],
        received_us=StoreNow(),
        expires_us=StoreNow() + Value(bot.dedup_ttl_us),
    )


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
    if run_joined(using, stored.filter(expires_us__gt=StoreNow()).exists):
        return True
    run_joined(using, stored.filter(expires_us__lte=StoreNow()).delete)
    return False


def _store_turn(using: str, bot: Bot, event: Event, event_text: str, receipt: Receipt) -> Accepted:
    thread = _lock_thread(using, event)
    is_dropped = False
    if thread is None:
        thread = _create_thread(using, bot, event)
    else:
        is_dropped = event.kind in CONFLICTING_KINDS and bot.on_lock_conflict == "drop" and _is_busy(using, thread)
        thread.last_sequence += 1
        _touch_thread(using, thread, rings=not is_dropped)
    turn = Turn(
        thread_id=thread.pk,
        receipt_id=receipt.pk,
        sequence=thread.last_sequence,
        kind=event.kind,
        event=event_text,
        status=Turn.Status.DROPPED if is_dropped else Turn.Status.WAITING,
        reason=CONFLICT_REASON if is_dropped else "",
        received_us=StoreNow(),
        finished_us=StoreNow() if is_dropped else None,
    )
    turn.save(using=using, force_insert=True)
    return Accepted(Outcome.DROPPED) if is_dropped else Accepted(Outcome.ACCEPTED, thread.pk)


def _lock_thread(using: str, event: Event) -> Thread | None:
    """Return the event's thread, locked. A click belongs to the thread that its message was posted to."""
    threads = Thread.objects.using(using)
    if event.kind == "click":
        posted = Delivery.objects.using(using).filter(
            message_digest=message_digest(event.origin, event.channel, event.ref)
        )
        thread_id = posted.values_list("thread_id", flat=True).first()
        if thread_id is not None:
            return threads.select_for_update().filter(pk=thread_id).first()
    return threads.select_for_update().filter(digest=thread_digest(event.origin, event.conversation)).first()


def _create_thread(using: str, bot: Bot, event: Event) -> Thread:
    thread = Thread(
        digest=thread_digest(event.origin, event.conversation),
        bot=bot.name,
        platform=event.origin.platform,
        app=event.origin.app,
        workspace=event.origin.workspace,
        key=event.conversation,
        last_sequence=1,
        created_us=StoreNow(),
        last_event_us=StoreNow(),
        ring_us=StoreNow() + Value(REDELIVER_INTERVAL_US),
    )
    thread.save(using=using, force_insert=True)
    return thread


def _touch_thread(using: str, thread: Thread, *, rings: bool) -> None:
    changes: dict[str, Any] = {"last_sequence": thread.last_sequence, "last_event_us": StoreNow()}
    if rings:
        soon = StoreNow() + Value(REDELIVER_INTERVAL_US)
        is_late = Q(ring_us=None) | Q(ring_us__gt=soon)
        changes["ring_us"] = Case(When(is_late, then=soon), default=F("ring_us"), output_field=BigIntegerField())
    Thread.objects.using(using).filter(pk=thread.pk).update(**changes)


def _is_busy(using: str, thread: Thread) -> bool:
    """True while a turn of the thread waits, or runs under a live lease."""
    waits = Q(status__in=[Turn.Status.WAITING, Turn.Status.FAILED])
    runs = Q(status=Turn.Status.RUNNING, thread__lease__expires_us__gt=StoreNow())
    return Turn.objects.using(using).filter(waits | runs, thread_id=thread.pk).exists()
