"""The tables of the ORM store. Times are microseconds since 1970 by the store's clock."""

from django.db import models

from botstate.contracts.addresses import MAX_KEY_CHARACTERS
from botstate.db.fields import BytesField, DigestField

#: UTF-8 takes at most 4 bytes for a character.
MAX_KEY_BYTES = MAX_KEY_CHARACTERS * 4
#: How much of a key is in the index that puts keys in order: what every database's indexes can hold.
KEY_START_BYTES = 255


class Addressed(models.Model):
    """A row per (namespace, facet, key); the digest is what is compared, the label is for people."""

    digest = DigestField(primary_key=True, editable=False)
    namespace = models.CharField(max_length=255, blank=True)
    label = models.TextField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.namespace}:{self.label}" if self.namespace else self.label


class KvEntry(Addressed):
    """A kv value as exact JSON text."""

    value = models.TextField()
    expires_us = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        verbose_name = "kv entry"
        verbose_name_plural = "kv entries"


class ListHead(Addressed):
    """A list's counters and expiry; the one row that its writers lock."""

    length = models.BigIntegerField(default=0)
    next_seq = models.BigIntegerField(default=0)
    expires_us = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        verbose_name = "list"


class ListItem(models.Model):
    """One value of a list; `seq` grows from old to new without gaps."""

    pk = models.CompositePrimaryKey("head_id", "seq")
    head = models.ForeignKey(ListHead, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    seq = models.BigIntegerField()
    value = models.TextField()


class LockRow(Addressed):
    """A lock: updated in place, never deleted and inserted again by its users. No token means free."""

    token = models.CharField(max_length=64, blank=True)
    fence = models.BigIntegerField()
    expires_us = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = "lock"


class DedupEntry(Addressed):
    """A key that is claimed (with a token) or done (without one), until it expires."""

    token = models.CharField(max_length=64, blank=True)
    expires_us = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = "dedup entry"
        verbose_name_plural = "dedup entries"


class QueueHead(Addressed):
    """A queue's counters and expiry; the one row that its users lock."""

    depth = models.BigIntegerField(default=0)
    next_seq = models.BigIntegerField(default=0)
    expires_us = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        verbose_name = "queue"


class QueueItem(models.Model):
    """One value of a queue; claimed while it has a token and its lease has not ended."""

    pk = models.CompositePrimaryKey("head_id", "seq")
    head = models.ForeignKey(QueueHead, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    seq = models.BigIntegerField()
    value = models.TextField()
    token = models.CharField(max_length=64, blank=True)
    lease_expires_us = models.BigIntegerField(null=True)
    attempts = models.IntegerField(default=0)


class KeyedHead(Addressed):
    """A collection's counters; the one row that its writers lock. Its label is the collection's namespace."""

    length = models.BigIntegerField(default=0)
    next_seq = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "keyed collection"


class KeyedEntry(models.Model):
    """One entry of a collection; `seq` grows with each writing. What has expired still counts in the head's length."""

    digest = DigestField(primary_key=True, editable=False)
    head = models.ForeignKey(KeyedHead, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    seq = models.BigIntegerField()
    key = BytesField(max_length=MAX_KEY_BYTES)
    key_start = BytesField(max_length=KEY_START_BYTES)
    value = models.TextField()
    created_us = models.BigIntegerField()
    expires_us = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = "keyed entry"
        verbose_name_plural = "keyed entries"
        indexes = [
            models.Index(fields=["head", "seq"], name="botstate_keyed_seq"),
            models.Index(fields=["head", "key_start"], name="botstate_keyed_key"),
            models.Index(fields=["head", "expires_us"], name="botstate_keyed_expiry"),
            models.Index(fields=["expires_us"], name="botstate_keyed_sweep"),
        ]

    def __str__(self) -> str:
        return bytes(self.key).decode("utf-8")
