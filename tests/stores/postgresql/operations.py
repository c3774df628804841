"""Every primitive once, on keys that exist and on keys that do not."""

from collections.abc import Callable
from typing import Any

from botstate.stores import OrmStore

TOKEN = "0" * 32
CLAIM_TOKEN = f"0-{TOKEN}"

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
