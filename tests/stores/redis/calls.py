"""Every primitive of the Redis store, each way that takes another path."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from botstate.exceptions import LimitExceeded
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import RedisStore


def keyed(store: RedisStore, **options: Any) -> KeyedStore:
    """Return the keyed entries that the calls are on."""
    return open_keyed_store("entries", store=store, **options)


def be_refused(store: RedisStore) -> None:
    """Register more than a full collection takes."""
    with suppress(LimitExceeded):
        keyed(store, max_entries=1, overflow="reject-new").register("never", 1)


CALLS: dict[str, Callable[[RedisStore], Any]] = {
    "kv.set": lambda store: store.kv.set("key", 1),
    "kv.set with a ttl": lambda store: store.kv.set("key", 1, ttl=60),
    "kv.get": lambda store: store.kv.get("key"),
    "kv.delete": lambda store: store.kv.delete("key"),
    "kv.consume": lambda store: store.kv.consume("key"),
    "list.append": lambda store: store.list.append("key", 1),
    "list.append with a cap and a ttl": lambda store: store.list.append("key", 1, max_len=1, ttl=60),
    "list.range": lambda store: store.list.range("key"),
    "list.trim": lambda store: store.list.trim("key", 1),
    "list.trim to 0": lambda store: store.list.trim("key", 0),
    "list.delete": lambda store: store.list.delete("key"),
    "lock.acquire": lambda store: store.lock.acquire("key"),
    "lock.acquire of a held lock": lambda store: store.lock.acquire("key"),
    "lock.extend": lambda store: store.lock.extend("key", "0" * 32, 60),
    "lock.release": lambda store: store.lock.release("key", "0" * 32),
    "lock.force_release": lambda store: store.lock.force_release("key"),
    "dedup.seen": lambda store: store.dedup.seen("key", 60),
    "dedup.seen again": lambda store: store.dedup.seen("key", 60),
    "dedup.claim": lambda store: store.dedup.claim("other", 60),
    "dedup.commit": lambda store: store.dedup.commit("other", "0" * 32, 60),
    "dedup.release": lambda store: store.dedup.release("other", "0" * 32),
    "dedup.check": lambda store: store.dedup.check("key"),
    "queue.enqueue": lambda store: store.queue.enqueue("key", 1),
    "queue.enqueue with a ttl": lambda store: store.queue.enqueue("key", 1, ttl=60),
    "queue.depth": lambda store: store.queue.depth("key"),
    "queue.claim": lambda store: store.queue.claim("key", 60),
    "queue.enqueue at the bound": lambda store: store.queue.enqueue("key", 1, max_size=2),
    "queue.enqueue, dropping the newest": lambda store: store.queue.enqueue("key", 1, 2, "drop-newest"),
    "queue.dequeue": lambda store: store.queue.dequeue("key"),
    "queue.ack": lambda store: store.queue.ack("key", "1-" + "0" * 32),
    "queue.nack": lambda store: store.queue.nack("key", "1-" + "0" * 32),
    "keyed.register": lambda store: keyed(store).register("key", 1),
    "keyed.register with a ttl": lambda store: keyed(store).register("\U0001f600", 1, ttl=60),
    "keyed.register in a full collection": be_refused,
    "keyed.register_if_absent": lambda store: keyed(store).register_if_absent("other", 1),
    "keyed.register_if_absent of what is there": lambda store: keyed(store).register_if_absent("other", 1),
    "keyed.lookup": lambda store: keyed(store).lookup("key"),
    "keyed.lookup_entry": lambda store: keyed(store).lookup_entry("\U0001f600"),
    "keyed.lookup_many": lambda store: keyed(store).lookup_many(["key", "\U0001f600", "never"]),
    "keyed.compare_and_set": lambda store: keyed(store).compare_and_set("key", 1, 2),
    "keyed.compare_and_set of something else": lambda store: keyed(store).compare_and_set("key", 1, 2),
    "keyed.entries": lambda store: keyed(store).entries(),
    "keyed.entries_in_range": lambda store: keyed(store).entries_in_range("a", "z"),
    "keyed.entries_in_range, descending": lambda store: keyed(store).entries_in_range(limit=1, order="desc"),
    "keyed.count": lambda store: keyed(store).count(),
    "keyed.consume": lambda store: keyed(store).consume("key"),
    "keyed.delete": lambda store: keyed(store).delete("other"),
    "keyed.delete_if": lambda store: keyed(store).delete_if("\U0001f600", 2),
    "keyed.register at the bound": lambda store: keyed(store, max_entries=1).register("new", 1),
    "keyed.clear": lambda store: keyed(store).clear(),
}


def leases(store: RedisStore) -> Iterator[tuple[str, Callable[[], Any], Any]]:
    """Yield the calls that need the token of an earlier one, and what each must give."""
    lock = store.lock.acquire("leased")
    assert lock is not None
    yield "lock.extend by the holder", partial(store.lock.extend, "leased", lock.token, 60), True
    yield "lock.release by the holder", partial(store.lock.release, "leased", lock.token), True
    one, other = store.dedup.claim("leased", 60), store.dedup.claim("leased too", 60)
    assert one is not None and other is not None
    yield "dedup.commit by the claimer", partial(store.dedup.commit, "leased", one, 60), True
    yield "dedup.release by the claimer", partial(store.dedup.release, "leased too", other), True
    store.queue.enqueue("leased", "first")
    store.queue.enqueue("leased", "second")
    first, second = store.queue.claim("leased", 60), store.queue.claim("leased", 60)
    assert first is not None and second is not None
    yield "queue.ack by the claimer", partial(store.queue.ack, "leased", first.token), True
    yield "queue.nack by the claimer", partial(store.queue.nack, "leased", second.token), True
    yield "queue.dequeue of a returned item", partial(store.queue.dequeue, "leased"), "second"
