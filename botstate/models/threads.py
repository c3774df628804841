"""A thread: its inbox, its lease and its state, in rows of their own.

They are apart so that nothing that runs a handler ever holds a row that the acceptance of an event needs.
Times are microseconds since 1970 by the store's clock.
"""

from datetime import datetime

from django.db import models

from botstate.db.clock import to_datetime
from botstate.db.fields import DigestField


class Thread(models.Model):
    """One conversation of one bot, and its inbox: whoever adds a turn, or ends the lease, locks this row."""

    digest = DigestField(unique=True, editable=False)
    bot = models.CharField(max_length=100)
    platform = models.CharField(max_length=20)
    app = models.CharField(max_length=64, blank=True)
    workspace = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    last_sequence = models.BigIntegerField(default=0)
    created_us = models.BigIntegerField()
    last_event_us = models.BigIntegerField(db_index=True)
    #: When `redeliver` rings for this thread; None while it has nothing to do.
    ring_us = models.BigIntegerField(null=True, db_index=True)
    #: When an event last rang for this thread; 0 once whoever heard it has left, and where rings are not counted.
    rung_us = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.platform} {self.key}"

    @property
    def last_event_at(self) -> datetime | None:
        return to_datetime(self.last_event_us)


class LeaseRow(models.Model):
    """Who runs something, until when. The fence grows with every holder; no token means free."""

    token = models.CharField(max_length=64, blank=True)
    fence = models.BigIntegerField(default=0)
    expires_us = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=100, blank=True)

    class Meta:
        abstract = True

    @property
    def expires_at(self) -> datetime | None:
        return to_datetime(self.expires_us)


class ThreadLease(LeaseRow):
    """Who runs the thread's turns, one after another, and sends its messages."""

    # Written under the thread's row, so the database need not check it again.
    thread = models.OneToOneField(
        Thread, primary_key=True, on_delete=models.CASCADE, related_name="lease", db_constraint=False
    )

    def __str__(self) -> str:
        return f"lease {self.fence} of {self.thread_id}"


class ThreadState(models.Model):
    """The thread's typed state as exact JSON text, empty once it was cleared; the version grows with each change."""

    thread = models.OneToOneField(Thread, primary_key=True, on_delete=models.CASCADE, related_name="stored_state")
    value = models.TextField()
    version = models.BigIntegerField()
    updated_us = models.BigIntegerField()

    def __str__(self) -> str:
        return f"state {self.version} of {self.thread_id}"

    @property
    def updated_at(self) -> datetime | None:
        return to_datetime(self.updated_us)
