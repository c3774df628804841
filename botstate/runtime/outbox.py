"""Sending what ended turns have posted: in order per thread, marked once sent."""

import logging
from functools import partial
from typing import cast
from uuid import UUID

from django.db import IntegrityError

from botstate import exact_json
from botstate.contracts.events import Origin
from botstate.contracts.platforms import DeliveryDelayed, DeliveryFailed, DeliveryKind, Outbound, Platform, Sent
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.models import Delivery
from botstate.runtime.addresses import message_digest
from botstate.runtime.lease import Lease
from botstate.runtime.turns import backoff_us

logger = logging.getLogger("botstate.runtime")

MAX_ATTEMPTS = 12
MAX_RETRY_AFTER_S = 3_600


def start_next_delivery(using: str, lease: Lease, now_us: int) -> Delivery | None:
    """Count an attempt of the thread's next delivery and return it, or None when none is due. Under the lease's lock.

    It is counted before it is made: one that ends in no answer at all, over and over, is given up like any other.
    """
    waiting = Delivery.objects.using(using).filter(thread_id=lease.thread_id, status=Delivery.Status.WAITING)
    while (first := waiting.order_by("id").first()) is not None:
        if first.due_us > now_us:
            return None
        if first.attempts < MAX_ATTEMPTS:
            first.attempts += 1
            first.save(using=using, update_fields=["attempts"])
            return first
        first.status = Delivery.Status.FAILED
        first.save(using=using, update_fields=["status"])
        logger.error("delivery %s failed after %s attempts: %s", first.pk, first.attempts, first.error)
    return None


def send(using: str, delivery: Delivery, platform: Platform, origin: Origin, conversation: str) -> None:
    """Send a delivery whose attempt has been counted, and mark how it went.

    No transaction is open while the platform is asked. A delivery that was sent and not marked, because the process
    died in between, is sent again.
    """
    outbound = Outbound(
        kind=cast(DeliveryKind, delivery.kind),
        origin=origin,
        conversation=conversation,
        payload=exact_json.loads(delivery.payload),
        user=delivery.user,
        channel=delivery.channel,
    )
    try:
        sent = platform.send(outbound)
    except DeliveryDelayed as error:
        _mark_delayed(using, delivery, error)
    except DeliveryFailed as error:
        _mark_failed(using, delivery, error.code)
    except Exception as error:
        # A platform's client that fails in a way of its own must not hold its thread up for ever.
        _mark_delayed(using, delivery, DeliveryDelayed(type(error).__qualname__))
    else:
        _mark_sent(using, delivery, origin, sent)


def _mark_sent(using: str, delivery: Delivery, origin: Origin, sent: Sent) -> None:
    """Mark a delivery, whether or not the lease still lives: it has been sent, and must not be again."""
    row = Delivery.objects.using(using).filter(pk=delivery.pk)
    marks = {"status": Delivery.Status.SENT, "channel": sent.channel, "ref": sent.ref, "error": ""}
    digest = message_digest(origin, sent.channel, sent.ref) if sent.ref else None

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
    wait_us = backoff_us(delivery.attempts)
    if error.retry_after_s is not None:
        wait_us = max(wait_us, int(min(error.retry_after_s, MAX_RETRY_AFTER_S) * 1_000_000))
    row = Delivery.objects.using(using).filter(pk=delivery.pk, status=Delivery.Status.WAITING)

    def mark() -> None:
        row.update(due_us=now_us(using) + wait_us, error=error.code[:200])

    run_durable(using, mark, "delaying a message")
    logger.warning("delivery %s delayed: %s", delivery.pk, error.code)


def _mark_failed(using: str, delivery: Delivery, code: str) -> None:
    row = Delivery.objects.using(using).filter(pk=delivery.pk, status=Delivery.Status.WAITING)
    run_durable(
        using,
        lambda: row.update(status=Delivery.Status.FAILED, error=code[:200]),
        "failing a message",
    )
    logger.error("delivery %s failed: %s", delivery.pk, code)
