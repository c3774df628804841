"""Every primitive once, on keys that exist and on keys that do not."""

from collections.abc import Callable
from typing import Any

from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import OrmStore

TOKEN = "0" * 32
CLAIM_TOKEN = f"0-{TOKEN}"


def entries(store: OrmStore, max_entries: int | None = None, **options: Any) -> KeyedStore:
    """Return a namespace of keyed entries."""
    return open_keyed_store("entries", max_entries, store=store, **options)


KEYED: dict[str, Callable[[OrmStore], Any]] = {
    "keyed.register": lambda store: entries(store).register("key", 1),
    "keyed.register, evicting": lambda store: entries(store, 1).register("newer", 1, ttl=60),
    "keyed.register, with room": lambda store: entries(store, 2, overflow="reject-new").register("key", 1),
    "keyed.register_if_absent of what is there": lambda store: entries(store).register_if_absent("key", 2),
    "keyed.register_if_absent, evicting": lambda store: entries(store, 2).register_if_absent("newest", 1, ttl=60),
    "keyed.lookup": lambda store: entries(store).lookup("key"),
    "keyed.lookup_entry of none": lambda store: entries(store).lookup_entry("none"),
    "keyed.lookup_many": lambda store: entries(store).lookup_many(["key", "none", "newest"]),
    "keyed.compare_and_set": lambda store: entries(store).compare_and_set("key", 1, 2, ttl=60),
    "keyed.compare_and_set of another": lambda store: entries(store).compare_and_set("key", "another", 2),
    "keyed.entries": lambda store: entries(store).entries(),
    "keyed.entries_in_range": lambda store: entries(store).entries_in_range("k", "n", 1),
    "keyed.entries_in_range, descending": lambda store: entries(store).entries_in_range(order="desc"),
    "keyed.count": lambda store: entries(store).count(),
    "keyed.delete_if of another": lambda store: entries(store).delete_if("key", "another"),
    "keyed.delete_if": lambda store: entries(store).delete_if("key", 2),
    "keyed.consume": lambda store: entries(store).consume("newest"),
    "keyed.delete": lambda store: entries(store).delete("newest"),
    "keyed.clear": lambda store: entries(store).clear(),
}
JOINING: dict[str, Callable[[OrmStore], Any]] = {
    "kv.get": lambda store: store.kv.get("key"),
    "kv.set": lambda store: store.kv.set("key", 1),
    "kv.set with a ttl": lambda store: store.kv.set("key", 1, ttl=60),
    "kv.delete": lambda store: store.kv.delete("key"),
    "kv.consume": lambda store: store.kv.consume("key"),
    "list.append": lambda store: store.list.append("key", 1),
    "list.append with a cap": lambda store: store.list.append("key", 1, max_len=1, ttl=60),
    "list.range": lambda store: store.list.range("key"),
    "list.range of a part": lambda store: store.list.range("key", 1, 2),
    "list.trim": lambda store: store.list.trim("key", 0),
    "list.delete": lambda store: store.list.delete("key"),
    "dedup.seen": lambda store: store.dedup.seen("key", 60),
    "dedup.check": lambda store: store.dedup.check("key"),
    "queue.enqueue": lambda store: store.queue.enqueue("key", 1),
    "queue.enqueue with a bound": lambda store: store.queue.enqueue("key", 1, max_size=1, ttl=60),
    "queue.enqueue dropping the newest": lambda store: store.queue.enqueue("key", 1, 1, "drop-newest"),
    "queue.dequeue": lambda store: store.queue.dequeue("key"),
    "queue.depth": lambda store: store.queue.depth("key"),
    **KEYED,
}
REFUSING: dict[str, Callable[[OrmStore], Any]] = {
    "lock.acquire": lambda store: store.lock.acquire("key"),
    "lock.release": lambda store: store.lock.release("key", TOKEN),
    "lock.extend": lambda store: store.lock.extend("key", TOKEN, 60),
    "lock.force_release": lambda store: store.lock.force_release("key"),
    "dedup.claim": lambda store: store.dedup.claim("other", 60),
    "dedup.commit": lambda store: store.dedup.commit("other", TOKEN, 60),
    "dedup.release": lambda store: store.dedup.release("other", TOKEN),
    "queue.claim": lambda store: store.queue.claim("key", 60),
    "queue.ack": lambda store: store.queue.ack("key", CLAIM_TOKEN),
    "queue.nack": lambda store: store.queue.nack("key", CLAIM_TOKEN),
}
ALL = JOINING | REFUSING
