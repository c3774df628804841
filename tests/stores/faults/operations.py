"""Every primitive on a key that has something, and what the store holds, to compare before and after."""

from collections.abc import Callable
from typing import Any

from botstate.models import DedupEntry, KvEntry, ListHead, ListItem, LockRow, QueueHead, QueueItem
from botstate.stores import OrmStore

MODELS = (KvEntry, ListHead, ListItem, LockRow, DedupEntry, QueueHead, QueueItem)


class Stocked:
    """A store with something in every facet, and the tokens for it."""

    def __init__(self, store: OrmStore) -> None:
        for model in MODELS:
            model._default_manager.all().delete()
        self.store = store
        store.kv.set("key", "old", ttl=60)
        for value in ("first", "second"):
            store.list.append("key", value, ttl=60)
            store.queue.enqueue("key", value, ttl=60)
        store.queue.enqueue("leased", "value")
        item, lock, claim = store.queue.claim("leased", 60), store.lock.acquire("key"), store.dedup.claim("key", 60)
        assert item is not None and lock is not None and claim is not None
        self.item, self.lock, self.claim = item.token, lock.token, claim


JOINING: dict[str, Callable[[Stocked], Any]] = {
    "kv.get": lambda had: had.store.kv.get("key"),
    "kv.set": lambda had: had.store.kv.set("key", "new"),
    "kv.set of a new key": lambda had: had.store.kv.set("new", "new", ttl=60),
    "kv.delete": lambda had: had.store.kv.delete("key"),
    "kv.consume": lambda had: had.store.kv.consume("key"),
    "list.append": lambda had: had.store.list.append("key", "new", max_len=2, ttl=90),
    "list.append to a new list": lambda had: had.store.list.append("new", "new"),
    "list.range": lambda had: had.store.list.range("key"),
    "list.trim": lambda had: had.store.list.trim("key", 1),
    "list.delete": lambda had: had.store.list.delete("key"),
    "dedup.seen": lambda had: had.store.dedup.seen("new", 60),
    "dedup.check": lambda had: had.store.dedup.check("key"),
    "queue.enqueue": lambda had: had.store.queue.enqueue("key", "new", max_size=2, ttl=90),
    "queue.enqueue to a new queue": lambda had: had.store.queue.enqueue("new", "new"),
    "queue.dequeue": lambda had: had.store.queue.dequeue("key"),
    "queue.depth": lambda had: had.store.queue.depth("key"),
}
REFUSING: dict[str, Callable[[Stocked], Any]] = {
    "lock.acquire": lambda had: had.store.lock.acquire("new"),
    "lock.extend": lambda had: had.store.lock.extend("key", had.lock, 60),
    "lock.release": lambda had: had.store.lock.release("key", had.lock),
    "lock.force_release": lambda had: had.store.lock.force_release("key"),
    "dedup.claim": lambda had: had.store.dedup.claim("new", 60),
    "dedup.commit": lambda had: had.store.dedup.commit("key", had.claim, 60),
    "dedup.release": lambda had: had.store.dedup.release("key", had.claim),
    "queue.claim": lambda had: had.store.queue.claim("key", 60),
    "queue.ack": lambda had: had.store.queue.ack("leased", had.item),
    "queue.nack": lambda had: had.store.queue.nack("leased", had.item),
}
ALL = JOINING | REFUSING
READING = {"kv.get", "list.range", "dedup.check", "queue.depth"}


def everything() -> list[list[dict[str, Any]]]:
    """Return every row of the store in the test database."""
    return [list(model._default_manager.order_by("pk").values()) for model in MODELS]
