"""The outbox: what a turn posted, written with the turn's end and sent after it."""

from datetime import datetime

from django.db import models

from botstate.db.clock import to_datetime
from botstate.db.fields import DigestField
from botstate.models.inbox import Turn
from botstate.models.threads import Thread


class Delivery(models.Model):
    """One message on its way out, named by its turn and its position in it; sent in the order of the ids.

    "sending" is only of messages that must be sent at most once: one that is found so when it is due was perhaps sent,
    by a worker that died, and is given up. While a message is on its way, it is due when its sender counts as dead.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    turn = models.ForeignKey(Turn, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    position = models.IntegerField()
    kind = models.CharField(max_length=10)
    #: The id of the delivery whose message an update or a delete changes.
    target = models.BigIntegerField(null=True)
    payload = models.TextField()
    #: Who alone sees an ephemeral message.
    user = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.IntegerField(default=0)
    due_us = models.BigIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    #: What the platform calls the message, once sent, and the digest by which a click finds it.
    channel = models.CharField(max_length=64, blank=True)
    ref = models.CharField(max_length=64, blank=True)
    message_digest = DigestField(null=True, unique=True, editable=False)
    #: The id of the turn that won a message that only one of its controls may be used of.
    consumed_by = models.BigIntegerField(null=True)
    created_us = models.BigIntegerField()
    sent_us = models.BigIntegerField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["turn", "position"], name="botstate_delivery_position")]
        indexes = [models.Index(fields=["thread", "status", "id"], name="botstate_delivery_next")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def sent_at(self) -> datetime | None:
        return to_datetime(self.sent_us)
