"""What came in: a receipt per event, a turn per event that has something to run."""

from datetime import datetime

from django.db import models

from botstate.db.clock import to_datetime
from botstate.db.fields import DigestField
from botstate.models.threads import LeaseRow, Thread


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

    def in_line(self) -> "TurnQuerySet":
        """Turns that run one after another; the others run beside them."""
        return self.exclude(policy="parallel")

    def first_open(self) -> "models.QuerySet[Turn]":
        """Of one thread's turns, the first that is open.

        Each status by itself, because databases like to walk the index on the sequence, through all that has ended.
        """
        by_status = (self.filter(status=status).order_by("sequence") for status in Turn.OPEN)
        firsts = [models.Subquery(turns.values("sequence")[:1]) for turns in by_status]
        return self.filter(sequence__in=firsts).order_by("sequence")[:1]


class Turn(models.Model):
    """One event to be run in its thread, in the order of `sequence`.

    waiting → running → done; running → failed → running again, or dead after the bot's `max_attempts`.
    A stated policy may end a turn before it has run: dropped, or superseded by the later one that took its place.
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
    #: Turns that ended without having done anything, and that an operator may have run after all.
    REPLAYABLE = (Status.DROPPED, Status.DEAD)

    # Both are written in the turn's transaction, or locked by it; the database does not check that again.
    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="turns", db_index=False, db_constraint=False
    )
    receipt = models.OneToOneField(
        Receipt, null=True, on_delete=models.SET_NULL, related_name="turn", db_constraint=False
    )
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    event = models.TextField()
    #: The id of the delivery whose message the event is about, where the bot has posted it.
    posted = models.BigIntegerField(null=True)
    #: What `on_lock_conflict` was for this turn; empty for what always queues.
    policy = models.CharField(max_length=10, blank=True)
    #: The sequence of the later turn that gets this one's message as a skipped one.
    merged_into = models.BigIntegerField(null=True)
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


class TurnLease(LeaseRow):
    """Who runs a turn that needs no lease of its thread, because it runs beside the thread's others."""

    turn = models.OneToOneField(Turn, primary_key=True, on_delete=models.CASCADE, related_name="lease")

    def __str__(self) -> str:
        return f"lease {self.fence} of turn {self.turn_id}"
