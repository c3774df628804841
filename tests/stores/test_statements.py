"""What a call of the ORM store costs in statements, BEGIN and COMMIT included.

On PostgreSQL it is one each: tests/stores/postgresql/test_round_trips.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botstate.stores import OrmStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("sqlite", "mysql")]

#: On SQLite; on the portable path there, and on MariaDB, which is also asked for its clock. MariaDB's own is one.
STATEMENTS = {
    "kv.get": (1, 1, 1),
    "kv.set": (1, 4, 4),
    "kv.set with ttl": (1, 4, 5),
    "kv.delete": (1, 4, 5),
    "kv.consume": (1, 4, 5),
    "list.append with a cap": (4, 6, 7),
    "list.range": (1, 1, 1),
    "list.trim": (4, 5, 5),
    "list.delete": (4, 6, 7),
    "lock.acquire, free": (1, 4, 6),
    "lock.acquire, held": (1, 3, 5),
    "lock.extend": (1, 4, 6),
    "lock.release": (1, 4, 6),
    "dedup.seen, first": (1, 6, 7),
    "dedup.seen, repeat": (1, 3, 4),
    "dedup.check": (1, 1, 1),
    "dedup.claim": (1, 6, 7),
    "dedup.commit": (1, 4, 5),
    "dedup.release": (1, 4, 5),
    "queue.enqueue at the bound": (5, 7, 8),
    "queue.depth": (1, 1, 1),
    "queue.ack": (4, 6, 8),
    "queue.nack": (1, 5, 7),
    "queue.claim": (1, 5, 7),
    "queue.dequeue": (4, 6, 8),
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


def cost(store: OrmStore) -> dict[str, int]:
    """Return how many statements each call takes."""
    costs = {}
    for name, call in calls(store).items():
        with CaptureQueriesContext(connection) as queries:
            call()
        costs[name] = len(queries)
    return costs


def test_the_statements_of_every_call() -> None:
    expected = {name: each[0] if connection.vendor == "sqlite" else 1 for name, each in STATEMENTS.items()}
    assert cost(OrmStore()) == expected


def test_the_statements_of_every_call_on_the_portable_path() -> None:
    column = 1 if connection.vendor == "sqlite" else 2
    assert cost(OrmStore(portable=True)) == {name: each[column] for name, each in STATEMENTS.items()}
