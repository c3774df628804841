"""Durable actions: what a posted control will do, as data."""

from datetime import datetime

from django.db import models

from botstate.db.clock import to_datetime
from botstate.models.deliveries import Delivery
from botstate.models.threads import Thread


class ActionSnapshot(models.Model):
    """One control of one posted message, named by its delivery and its id.

    props, path, value and bound_args are exact JSON text. `control` says which control it was, so that a changed layout
    cannot put another one's handler in its place.
    """

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="actions")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="actions")
    action_id = models.CharField(max_length=255)
    component = models.CharField(max_length=200)
    props = models.TextField()
    path = models.TextField()
    value = models.TextField()
    bound_args = models.TextField(blank=True)
    control = models.TextField()
    label = models.CharField(max_length=200, blank=True)
    once = models.BooleanField(default=False)
    #: The id of the turn that won a one-use control.
    consumed_by = models.BigIntegerField(null=True)
    created_us = models.BigIntegerField()
    expires_us = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "action_id"], name="botstate_action_identity")]

    def __str__(self) -> str:
        return f"{self.component or 'inline'} {self.label or self.action_id}"

    @property
    def expires_at(self) -> datetime | None:
        return to_datetime(self.expires_us)
