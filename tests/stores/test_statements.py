"""What a call of the portable path costs in statements, BEGIN and COMMIT included.

On PostgreSQL it is one each: tests/stores/postgresql/test_round_trips.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botstate.stores import OrmStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("sqlite", "mysql")]

#: On SQLite, and on MariaDB, which is also asked for its clock.
STATEMENTS = {
    "kv.get": (1, 1),
    "kv.set": (4, 4),
    "kv.set with ttl": (4, 5),
    "kv.delete": (4, 5),
    "kv.consume": (4, 5),
    "list.append with a cap": (6, 7),
    "list.range": (1, 1),
    "list.trim": (5, 5),
    "list.delete": (6, 7),
    "lock.acquire, free": (4, 6),
    "lock.acquire, held": (3, 5),
    "lock.extend": (4, 6),
    "lock.release": (4, 6),
    "dedup.seen, first": (6, 7),
    "dedup.seen, repeat": (3, 4),
    "dedup.check": (1, 1),
    "dedup.claim": (6, 7),
    "dedup.commit": (4, 5),
    "dedup.release": (4, 5),
    "queue.enqueue at the bound": (7, 8),
    "queue.depth": (1, 1),
    "queue.ack": (6, 8),
    "queue.nack": (5, 7),
    "queue.claim": (5, 7),
    "queue.dequeue": (6, 8),
}


def calls(store: OrmStore) -> dict[str, Callable[[], Any]]:
    """Return every primitive, in an order in which each finds the rows that it works on."""
    for key in ("k", "consumed"):
        store.kv.set(key, 1)
    for number in range(3):
        store.list.append("l", number)
        store.queue.enqueue("q", number)
    held, freed = store.lock.acquire("held"), store.lock.acquire("free")
    committed, released = store.dedup.claim("committed", 60), store.dedup.claim("released", 60)
    acked, nacked = store.queue.claim("q", 60), store.queue.claim("q", 60)
    assert held and freed and committed and released and acked and nacked
    store.lock.release("free", freed.token)
    return {
        "kv.get": lambda: store.kv.get("k"),
        "kv.set": lambda: store.kv.set("k", 2),
        "kv.set with ttl": lambda: store.kv.set("k", 2, ttl=60),
        "kv.delete": lambda: store.kv.delete("k"),
        "kv.consume": lambda: store.kv.consume("consumed"),
        "list.append with a cap": lambda: store.list.append("l", 4, max_len=3),
        "list.range": lambda: store.list.range("l"),
        "list.trim": lambda: store.list.trim("l", 1),
        "list.delete": lambda: store.list.delete("l"),
        "lock.acquire, free": lambda: store.lock.acquire("free"),
        "lock.acquire, held": lambda: store.lock.acquire("held"),
        "lock.extend": lambda: store.lock.extend("held", held.token, 60),
        "lock.release": lambda: store.lock.release("held", held.token),
        "dedup.seen, first": lambda: store.dedup.seen("new", 60),
        "dedup.seen, repeat": lambda: store.dedup.seen("new", 60),
        "dedup.check": lambda: store.dedup.check("new"),
        "dedup.claim": lambda: store.dedup.claim("another", 60),
        "dedup.commit": lambda: store.dedup.commit("committed", committed, 60),
        "dedup.release": lambda: store.dedup.release("released", released),
        "queue.enqueue at the bound": lambda: store.queue.enqueue("q", 4, max_size=3),
        "queue.depth": lambda: store.queue.depth("q"),
        "queue.ack": lambda: store.queue.ack("q", acked.token),
        "queue.nack": lambda: store.queue.nack("q", nacked.token),
        "queue.claim": lambda: store.queue.claim("q", 60),
        "queue.dequeue": lambda: store.queue.dequeue("q"),
    }


def test_the_statements_of_every_call() -> None:
    costs = {}
    for name, call in calls(OrmStore()).items():
        with CaptureQueriesContext(connection) as queries:
            call()
        costs[name] = len(queries)
    column = 0 if connection.vendor == "sqlite" else 1
    assert costs == {name: both[column] for name, both in STATEMENTS.items()}
