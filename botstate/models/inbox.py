"""What came in: a receipt per event, a turn per event that has something to run."""

from datetime import datetime

from django.db import models

from botstate.db.clock import to_datetime
from botstate.db.fields import DigestField
from botstate.models.threads import Thread


class Receipt(models.Model):
    """One accepted event. The digest of its identity is the primary key: a redelivery cannot be stored twice."""

    digest = DigestField(primary_key=True, editable=False)
    bot = models.CharField(max_length=100)
    platform = models.CharField(max_length=20)
    workspace = models.CharField(max_length=64)
    identity = models.TextField()
    #: Why the event has no turn; empty where it has one.
    ignored = models.CharField(max_length=200, blank=True)
    received_us = models.BigIntegerField()
    expires_us = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.identity

    @property
    def received_at(self) -> datetime | None:
        return to_datetime(self.received_us)


class TurnQuerySet(models.QuerySet["Turn"]):
    """Turns by what is still to be done with them."""

    def open(self) -> "TurnQuerySet":
        """Turns that have not ended: waiting, running, or failed and to be tried again."""
        return self.filter(status__in=Turn.OPEN)


class Turn(models.Model):
    """One event to be run in its thread, in the order of `sequence`.

    waiting → running → done; running → failed → running again, or dead after the bot's `max_attempts`.
    A stated policy may end a turn before it runs: dropped.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        DROPPED = "dropped"
        SUPERSEDED = "superseded"
        DEAD = "dead"

    OPEN = (Status.WAITING, Status.RUNNING, Status.FAILED)

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="turns")
    receipt = models.OneToOneField(Receipt, null=True, on_delete=models.SET_NULL, related_name="turn")
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    event = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    #: Why the turn ended as it did, where its status alone does not say.
    reason = models.CharField(max_length=200, blank=True)
    attempts = models.IntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    #: The earliest time of the next attempt.
    due_us = models.BigIntegerField(default=0)
    error_type = models.CharField(max_length=200, blank=True)
    error_place = models.CharField(max_length=300, blank=True)
    received_us = models.BigIntegerField()
    started_us = models.BigIntegerField(null=True)
    finished_us = models.BigIntegerField(null=True, db_index=True)

    objects = TurnQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["thread", "sequence"], name="botstate_turn_sequence")]
        indexes = [models.Index(fields=["thread", "status", "sequence"], name="botstate_turn_next")]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence}"

    @property
    def received_at(self) -> datetime | None:
        return to_datetime(self.received_us)

    @property
    def started_at(self) -> datetime | None:
        return to_datetime(self.started_us)

    @property
    def finished_at(self) -> datetime | None:
        return to_datetime(self.finished_us)
