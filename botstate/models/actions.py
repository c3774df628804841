"""Durable actions: what a posted control will do, as data."""

from datetime import datetime

from django.db import models

from botstate.db.clock import to_datetime
from botstate.models.deliveries import Delivery
from botstate.models.threads import Thread


class ActionSnapshot(models.Model):
    """One control of one posted message, named by its delivery and its id.

    props, path, value, bound_args and allowed_users are exact JSON text. `control` says which control it was, so that a
    changed layout cannot put another one's handler in its place. `event` is what is done with it, by the name of the
    node's prop, such as "onClick"; without a handler of its own the bot's are asked for the id.
    """

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="actions", db_index=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="actions")
    action_id = models.CharField(max_length=255)
    component = models.CharField(max_length=200)
    props = models.TextField()
    path = models.TextField()
    value = models.TextField()
    bound_args = models.TextField(blank=True)
    control = models.TextField()
    event = models.CharField(max_length=20, blank=True)
    has_handler = models.BooleanField(default=True)
    label = models.CharField(max_length=200, blank=True)
    #: The users who may use the control; empty where everybody may.
    allowed_users = models.TextField(blank=True)
    once = models.BooleanField(default=False)
    #: True where only one control of the whole message may be used.
    is_message_once = models.BooleanField(default=False)
    #: A digest of what a use of the control depends on: a process that remembers another one must read the row.
    content = models.CharField(max_length=32, default="", db_default="", blank=True)
    #: The id of the turn that won a one-use control.
    consumed_by = models.BigIntegerField(null=True)
    created_us = models.BigIntegerField()
    expires_us = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "action_id"], name="botstate_action_identity")]
        indexes = [models.Index(fields=["thread", "id"], name="botstate_action_of_thread")]

    def __str__(self) -> str:
        return f"{self.component or 'inline'} {self.label or self.action_id}"

    @property
    def expires_at(self) -> datetime | None:
        return to_datetime(self.expires_us)


class PendingChoice(models.Model):
    """What a turn has asked, and how the conversation goes on: the continuation's name and its arguments.

    Answered by the first control of the message that is used, or ended at `expires_us`: both once, by a turn.
    """

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="choices")
    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="choice")
    continuation = models.CharField(max_length=200)
    args = models.TextField()
    #: The turn that continues; its sequence where nobody has chosen in time.
    answered_by = models.BigIntegerField(null=True)
    is_timed_out = models.BooleanField(default=False)
    created_us = models.BigIntegerField()
    #: When it is over without an answer; None waits for ever.
    expires_us = models.BigIntegerField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"choice for {self.continuation}"

    @property
    def expires_at(self) -> datetime | None:
        return to_datetime(self.expires_us)
