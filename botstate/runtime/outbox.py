"""Sending what turns have posted: in order per thread, marked once sent."""

import logging
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Subquery

from botstate import exact_json
from botstate.contracts.events import Origin
from botstate.contracts.platforms import DeliveryDelayed, DeliveryFailed, DeliveryKind, Outbound, Platform, Sent
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable, run_statement
from botstate.models import Delivery
from botstate.runtime.addresses import message_digest
from botstate.runtime.bot import Bot
from botstate.runtime.heartbeat import Pulse
from botstate.runtime.keys import without_keys
from botstate.runtime.lease import Lease
from botstate.runtime.participation import remember
from botstate.runtime.turns import backoff_us

logger = logging.getLogger("botstate.runtime")

MAX_ATTEMPTS = 12
MAX_RETRY_AFTER_S = 3_600
UNSENT = (Delivery.Status.WAITING, Delivery.Status.SENDING)
#: Why a message was given up that must be sent at most once.
PERHAPS_SENT = "perhaps_sent"
NO_MESSAGE = "its_message_was_not_sent"
POST: DeliveryKind = "post"
CHANGES: tuple[DeliveryKind, ...] = ("update", "delete")


def next_delivery(using: str, thread_id: int) -> Delivery | None:
    """Return what the thread sends next, due or not."""
    rows = Delivery.objects.using(using)
    # Each status by itself, because databases like to walk the primary key, through all that was sent.
    by_status = (rows.filter(thread_id=thread_id, status=status).order_by("id") for status in UNSENT)
    firsts: list[Any] = [Subquery(unsent.values("pk")[:1]) for unsent in by_status]
    return rows.filter(pk__in=firsts).order_by("id").first()


def start_next_delivery(using: str, lease: Lease, bot: Bot, now_us: int) -> Delivery | None:
    """Count an attempt of the thread's next delivery and return it, or None when none is due. Under the lease's lock.

    It is counted before it is made: one that ends in no answer at all, over and over, is given up like any other. One
    that must be sent at most once is given up where it was begun before, and nobody knows how that ended. Until it is
    marked it is due again after the lease's time-to-live, no sooner: whoever takes the thread over while it is on its
    way, as after "force", leaves it to the one that is sending it.
    """
    while (first := next_delivery(using, lease.thread_id)) is not None:
        if first.due_us > now_us:
            return None
        if first.status == Delivery.Status.SENDING:
            _give_up(using, first, PERHAPS_SENT)
        elif first.attempts < MAX_ATTEMPTS:
            first.attempts += 1
            first.status = Delivery.Status.SENDING if bot.sends_once else Delivery.Status.WAITING
            first.due_us = now_us + lease.ttl_us
            first.save(using=using, update_fields=["attempts", "status", "due_us"])
            return first
        else:
            _give_up(using, first, first.error)
    return None


def send(
    using: str, delivery: Delivery, platform: Platform, *, origin: Origin, conversation: str, pulse: Pulse
) -> None:
    """Send a delivery whose attempt has been counted, and mark how it went.

    No transaction is open while the platform is asked. A delivery that was sent and not marked, because the process
    died in between, is sent again, unless it must be sent at most once. Raises TurnSuperseded, and sends nothing, when
    the lease is known to be lost.
    """
    pulse.require()
    try:
        sent = platform.send(_outbound(using, delivery, origin, conversation))
    except DeliveryDelayed as error:
        _mark_delayed(using, delivery, error)
    except DeliveryFailed as error:
        _mark_failed(using, delivery, error.code)
    except Exception as error:
        # A platform's client that fails in a way of its own must not hold its thread up for ever.
        _mark_delayed(using, delivery, DeliveryDelayed(type(error).__qualname__))
    else:
        _mark_sent(using, delivery, origin, sent)
        if delivery.kind == POST:
            remember(platform, origin, conversation, sent)


def _outbound(using: str, delivery: Delivery, origin: Origin, conversation: str) -> Outbound:
    """Return what the platform is given. Raises DeliveryFailed for a change of a message that was never sent."""
    channel, ref = delivery.channel, ""
    if delivery.kind in CHANGES:
        found = (
            Delivery.objects.using(using).filter(pk=delivery.target or 0, thread_id=delivery.thread_id).exclude(ref="")
        )
        target = run_statement(using, found.first)
        if target is None:
            raise DeliveryFailed(NO_MESSAGE)
        channel, ref = target.channel, target.ref
    return Outbound(
        kind=cast(DeliveryKind, delivery.kind),
        origin=origin,
        conversation=conversation,
        payload=without_keys(exact_json.loads(delivery.payload)),
        user=delivery.user,
        channel=channel,
        ref=ref,
    )


def _mark_sent(using: str, delivery: Delivery, origin: Origin, sent: Sent) -> None:
    """Mark a delivery, whether or not the lease still lives: it has been sent, and must not be again."""
    row = Delivery.objects.using(using).filter(pk=delivery.pk)
    marks = {"status": Delivery.Status.SENT, "channel": sent.channel, "ref": sent.ref, "error": ""}
    is_new = bool(sent.ref) and delivery.kind not in CHANGES
    digest = message_digest(origin, sent.channel, sent.ref) if is_new else None

    def mark(digest: UUID | None) -> None:
        row.update(**marks, message_digest=digest, sent_us=now_us(using))

    try:
        run_durable(using, partial(mark, digest), "marking a message as sent")
    except IntegrityError:
        logger.error("delivery %s: the platform gave another message the same name", delivery.pk)
        run_durable(using, partial(mark, None), "marking a message as sent")


def _mark_delayed(using: str, delivery: Delivery, error: DeliveryDelayed) -> None:
    if delivery.attempts >= MAX_ATTEMPTS:
        _mark_failed(using, delivery, error.code)
        return
    if delivery.status == Delivery.Status.SENDING and not error.is_unsent:
        logger.warning("delivery %s: %s", delivery.pk, error.code)
        _mark_failed(using, delivery, PERHAPS_SENT)
        return
    wait_us = backoff_us(delivery.attempts)
    # What is no number compares as False.
    if error.retry_after_s is not None and error.retry_after_s > 0:
        wait_us = max(wait_us, int(min(error.retry_after_s, MAX_RETRY_AFTER_S) * 1_000_000))
    row = Delivery.objects.using(using).filter(pk=delivery.pk, status__in=UNSENT)

    def mark() -> None:
        row.update(status=Delivery.Status.WAITING, due_us=now_us(using) + wait_us, error=error.code[:200])

    run_durable(using, mark, "delaying a message")
    logger.warning("delivery %s delayed: %s", delivery.pk, error.code)


def _mark_failed(using: str, delivery: Delivery, code: str) -> None:
    row = Delivery.objects.using(using).filter(pk=delivery.pk, status__in=UNSENT)
    run_durable(
        using,
        lambda: row.update(status=Delivery.Status.FAILED, error=code[:200]),
        "failing a message",
    )
    logger.error("delivery %s failed: %s", delivery.pk, code)


def _give_up(using: str, delivery: Delivery, code: str) -> None:
    delivery.status, delivery.error = Delivery.Status.FAILED, code[:200]
    delivery.save(using=using, update_fields=["status", "error"])
    logger.error("delivery %s failed after %s attempts: %s", delivery.pk, delivery.attempts, code)
