"""Moving the ORM store's clock: instead of it, every expiry is moved the other way."""

from django.db.models import F

from botstate.models import DedupEntry, KeyedEntry, KvEntry, ListHead, LockRow, QueueHead, QueueItem

STORE_MODELS = (KvEntry, ListHead, LockRow, DedupEntry, QueueHead)


def advance(seconds: float, using: str = "default") -> None:
    """Let `seconds` pass for every row of the ORM store."""
    microseconds = round(seconds * 1_000_000)
    for model in STORE_MODELS:
        model._default_manager.using(using).update(expires_us=F("expires_us") - microseconds)
    KeyedEntry.objects.using(using).update(
        expires_us=F("expires_us") - microseconds, created_us=F("created_us") - microseconds
    )
    QueueItem.objects.using(using).update(lease_expires_us=F("lease_expires_us") - microseconds)
