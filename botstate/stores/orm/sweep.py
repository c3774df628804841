"""Deleting expired rows in batches that lock little and skip what is locked."""

from collections import Counter
from functools import partial
from uuid import UUID

from django.db.models import F, Model, Q

from botstate.db.batches import by_index, lock_batch
from botstate.db.clock import now_us
from botstate.db.errors import translated_errors
from botstate.db.transactions import run_joined
from botstate.models.stores import (
    DedupEntry,
    KeyedEntry,
    KeyedHead,
    KvEntry,
    ListHead,
    ListItem,
    LockRow,
    QueueHead,
    QueueItem,
)
from botstate.stores.orm.rows import MOST

BATCH = 200
#: A lock row that nobody has used for this long goes; a later one of its key starts with a greater fence.
LOCK_ROW_IDLE_US = 86_400 * 1_000_000

_HEADS: dict[str, tuple[type[Model], type[Model]]] = {
    "list": (ListHead, ListItem),
    "queue": (QueueHead, QueueItem),
}


def sweep(using: str, limit: int) -> dict[str, int]:
    """Delete at most `limit` expired rows of each facet, of every namespace; return how many by facet."""
    limit = min(limit, MOST)
    with translated_errors(using):
        now = now_us(using)
    expired = Q(expires_us__lte=now)
    return {
        "kv": _sweep_rows(using, KvEntry, expired, limit),
        "list": _sweep_heads(using, "list", expired, limit),
        "lock": _sweep_rows(using, LockRow, Q(expires_us__lte=now - LOCK_ROW_IDLE_US), limit),
        "dedup": _sweep_rows(using, DedupEntry, expired, limit),
        "queue": _sweep_heads(using, "queue", expired, limit),
        "keyed": _sweep_keyed(using, expired, limit),
    }


def _sweep_rows(using: str, model: type[Model], expired: Q, limit: int) -> int:
    def delete_batch(size: int) -> int:
        keys = lock_batch(using, model._default_manager.using(using).filter(expired), size)
        with by_index(using):
            model._default_manager.using(using).filter(pk__in=keys).delete()
        return len(keys)

    deleted = 0
    while deleted < limit:
        size = min(BATCH, limit - deleted)
        batch = run_joined(using, partial(delete_batch, size))
        deleted += batch
        if batch < size:
            break
    return deleted


def _sweep_heads(using: str, facet: str, expired: Q, limit: int) -> int:
    """Delete the items of expired heads, and each head once it is empty; `limit` counts both."""
    head_model, item_model = _HEADS[facet]

    def delete_batch(size: int) -> int:
        keys = lock_batch(using, head_model._default_manager.using(using).filter(expired), 1)
        if not keys:
            return 0
        items = item_model._default_manager.using(using).filter(head_id=keys[0])
        doomed = list(items.order_by("seq").values_list("seq", flat=True)[:size])
        with by_index(using):
            items.filter(seq__in=doomed).delete()
        if len(doomed) == size:
            return size
        head_model._default_manager.using(using).filter(pk=keys[0]).delete()
        return len(doomed) + 1

    deleted = 0
    while deleted < limit:
        size = min(BATCH, limit - deleted)
        batch = run_joined(using, partial(delete_batch, size))
        deleted += batch
        if batch == 0:
            break
    return deleted


def _sweep_keyed(using: str, expired: Q, limit: int) -> int:
    """Delete expired entries, and then the heads of empty collections; `limit` counts both."""
    entries = _sweep_entries(using, expired, limit)
    return entries + _sweep_empty_heads(using, limit - entries)


def _sweep_entries(using: str, expired: Q, limit: int) -> int:
    """Delete expired entries of keyed collections, each under its collection's head, which counts them."""
    entries = KeyedEntry.objects.using(using)
    heads = KeyedHead.objects.using(using)

    def delete_batch(head: UUID, size: int) -> int:
        if not lock_batch(using, heads.filter(pk=head), 1):
            return 0
        doomed = entries.filter(expired, head=head).order_by("expires_us")
        keys = lock_batch(using, doomed, size)
        with by_index(using):
            entries.filter(pk__in=keys).delete()
        heads.filter(pk=head).update(length=F("length") - len(keys))
        return len(keys)

    deleted = 0
    with translated_errors(using):
        oldest = entries.filter(expired).order_by("expires_us").values_list("head_id", flat=True)[:limit]
        counts = Counter(oldest)
    for head, count in counts.items():
        for rest in range(count, 0, -BATCH):
            deleted += run_joined(using, partial(delete_batch, head, min(BATCH, rest)))
    return deleted


def _sweep_empty_heads(using: str, limit: int) -> int:
    """Delete heads that count no entry, under their locks. A collection's next writer makes its head again.

    Nothing of a head need outlive its entries: `seq` orders those that are there, and times are the clock's.
    """
    empty = KeyedHead.objects.using(using).filter(length=0)

    def delete_batch(found: list[UUID]) -> int:
        keys = lock_batch(using, empty.filter(pk__in=found), len(found))
        # Not `delete`, which looks for entries too, and on MariaDB keeps writers from the gaps where there are none.
        with by_index(using):
            empty.filter(pk__in=keys)._raw_delete(using)
        return len(keys)

    with translated_errors(using):
        # Without locks: there is no index, and MariaDB would lock whatever it passes.
        found = list(empty.values_list("pk", flat=True)[:limit])
    return sum(
        run_joined(using, partial(delete_batch, found[begin : begin + BATCH])) for begin in range(0, len(found), BATCH)
    )
