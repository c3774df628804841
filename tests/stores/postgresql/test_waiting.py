"""What happens while others hold a row: who waits, what is right after the wait, and what is not written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from botstate.db.clock import now_us
from botstate.keyed import open_keyed_store
from botstate.models import DedupEntry, KeyedEntry, KeyedHead, KvEntry, ListHead, LockRow, QueueHead
from botstate.stores import OrmStore
from tests.stores.postgresql.operations import entries
from tests.stores.waiting import lock_waiters, other_threads, until

pytestmark = pytest.mark.django_db(transaction=True)

HEADS = (KvEntry, ListHead, QueueHead, DedupEntry, LockRow, KeyedHead)
TTL = 1.5
Waiters = dict[str, tuple[Any, Callable[[], Any]]]


@pytest.fixture
def store() -> OrmStore:
    return OrmStore()


def lock_everything() -> list[Any]:
    rows: list[Any] = []
    for model in HEADS:
        rows += model._default_manager.select_for_update()
    return rows


def expires(row: Any) -> bool:
    return getattr(row, "expires_us", None) is not None


def outcome_after_expiry(waiters: Waiters) -> dict[str, Any]:
    """Let each wait for its row until all that can expire has; return what they gave."""
    with other_threads() as call:
        with transaction.atomic():
            ends = [row.expires_us for row in [*lock_everything(), *KeyedEntry.objects.all()] if expires(row)]
            waiting = {name: call(wait) for name, (_, wait) in waiters.items()}
            until(lambda: lock_waiters() == len(waiters), "every method waits for its row")
            assert now_us("default") < min(ends), "they began to wait before the expiry"
            until(lambda: now_us("default") > max(ends), "everything has expired")
        return {name: future.result(20) for name, future in waiting.items()}


def expected(waiters: Waiters) -> dict[str, Any]:
    return {name: value for name, (value, _) in waiters.items()}


def test_what_expires_during_the_wait_is_expired(store: OrmStore) -> None:
    keys = [f"key {number}" for number in range(5)]
    for key in keys:
        store.list.append(key, "old")
        store.queue.enqueue(key, "old")
        store.queue.enqueue(key, "newer")
    items = [store.queue.claim(key, 60) for key in keys]
    for key in keys:
        store.kv.set(key, "old", ttl=TTL)
        store.list.append(key, "old", ttl=TTL)
        store.queue.enqueue(key, "old", ttl=TTL)
        entries(store).register(key, "old", ttl=TTL)
    full = open_keyed_store("full", 1, overflow="reject-new", store=store)
    cleared = open_keyed_store("cleared", store=store)
    full.register("old", 1, ttl=TTL)
    cleared.register("old", 1, ttl=TTL)
    claims = [store.dedup.claim(key, TTL) or "" for key in keys]
    locks = [store.lock.acquire(key, ttl=TTL) for key in keys]
    tokens = [lock.token if lock else "" for lock in locks]
    item_tokens = [item.token if item else "" for item in items]
    waiters: Waiters = {
        "kv.consume": ("gone", lambda: store.kv.consume(keys[0], "gone")),
        "kv.delete": (False, lambda: store.kv.delete(keys[1])),
        "list.delete": (False, lambda: store.list.delete(keys[1])),
        "list.append": (1, lambda: store.list.append(keys[2], "new")),
        "queue.dequeue": ("gone", lambda: store.queue.dequeue(keys[0], "gone")),
        "queue.claim": (None, lambda: store.queue.claim(keys[1], 60)),
        "queue.enqueue": (1, lambda: store.queue.enqueue(keys[2], "new")),
        "queue.ack": (False, lambda: store.queue.ack(keys[3], item_tokens[3])),
        "queue.nack": (False, lambda: store.queue.nack(keys[4], item_tokens[4])),
        "dedup.commit": (False, lambda: store.dedup.commit(keys[2], claims[2], 60)),
        "dedup.release": (False, lambda: store.dedup.release(keys[3], claims[3])),
        "lock.extend": (False, lambda: store.lock.extend(keys[1], tokens[1], 60)),
        "lock.release": (False, lambda: store.lock.release(keys[2], tokens[2])),
        "lock.force_release": (False, lambda: store.lock.force_release(keys[3])),
        "keyed.consume": ("gone", lambda: entries(store).consume(keys[0], "gone")),
        "keyed.delete": (False, lambda: entries(store).delete(keys[1])),
        "keyed.delete_if": (False, lambda: entries(store).delete_if(keys[2], "old")),
        "keyed.compare_and_set": (False, lambda: entries(store).compare_and_set(keys[3], "old", "new")),
        "keyed.register where there was no room": (None, lambda: full.register("new", 1)),
        "keyed.clear": (0, cleared.clear),
    }
    assert outcome_after_expiry(waiters) == expected(waiters)


@contextmanager
def held_rows(expecting: int, call: Callable[..., Any], *functions: Callable[[], Any]) -> Iterator[list[Any]]:
    """Hold every row until that many wait for one, and then a while longer than TTL."""
    with transaction.atomic():
        lock_everything()
        waiting = [call(function) for function in functions]
        until(lambda: lock_waiters() == expecting, "they wait for their rows")
        begun = now_us("default")
        until(lambda: now_us("default") > begun + TTL * 1_000_000, "longer than the time-to-live")
        yield waiting


def test_a_time_to_live_begins_after_the_wait(store: OrmStore) -> None:
    """For rows that are there and expired: what waits for them is new when it gets them."""
    for key in ("kv", "dedup", "claim", "lock"):
        store.kv.set(key, "old")
        store.dedup.seen(key, 0.001)
        store.lock.acquire(key, 0.001)
        store.list.append(key, "old")
        store.queue.enqueue(key, "old")
        entries(store).register(key, "old", ttl=0.001)
    until(lambda: store.dedup.check("claim") == "new", "the old ones have expired")
    with other_threads() as call:
        calls = (
            lambda: store.kv.set("kv", "new", ttl=TTL),
            lambda: store.dedup.seen("dedup", TTL),
            lambda: store.dedup.claim("claim", TTL),
            lambda: store.lock.acquire("lock", TTL),
            lambda: store.list.append("kv", "new", ttl=TTL),
            lambda: store.queue.enqueue("kv", "new", ttl=TTL),
            lambda: entries(store).register("kv", "new", ttl=TTL),
            lambda: entries(store).register_if_absent("dedup", "new", ttl=TTL),
            lambda: entries(store).register_if_absent("never there", "new", ttl=TTL),
        )
        with held_rows(len(calls), call, *calls) as waiting:
            pass
        results = [future.result(20) for future in waiting]
    assert results[1] is False
    assert results[2] is not None
    assert results[3] is not None
    assert store.kv.get("kv") == "new"
    assert store.dedup.check("dedup") == "done"
    assert store.dedup.check("claim") == "claimed"
    assert store.lock.acquire("lock") is None
    assert store.list.range("kv") == ["old", "new"]
    assert store.queue.depth("kv") == 2
    assert entries(store).lookup_many(["kv", "dedup", "never there"]) == ["new"] * 3


def test_a_time_to_live_begins_after_another_s_insertion_was_rolled_back(store: OrmStore) -> None:
    class Undo(Exception):
        pass

    with other_threads() as call:
        with pytest.raises(Undo), transaction.atomic():
            store.kv.set("key", "undone")
            assert store.dedup.seen("key", 60) is False
            assert entries(store).register_if_absent("key", "undone")
            waiting = [call(store.kv.set, "key", "new", TTL), call(store.dedup.seen, "key", TTL)]
            waiting.append(call(entries(store).register_if_absent, "key", "new", TTL))
            until(lambda: lock_waiters() == 3, "all wait for the outcome")
            begun = now_us("default")
            until(lambda: now_us("default") > begun + TTL * 1_000_000, "longer than the time-to-live")
            raise Undo
        assert [future.result(20) for future in waiting] == [None, False, True]
    assert store.kv.get("key") == "new"
    assert store.dedup.check("key") == "done"
    assert entries(store).lookup("key") == "new"


def test_who_only_reads_or_finds_it_taken_waits_for_nobody(store: OrmStore) -> None:
    store.kv.set("key", 1)
    store.list.append("key", 1)
    store.queue.enqueue("key", 1)
    store.dedup.seen("key", 60)
    assert store.lock.acquire("key") is not None
    entries(store).register("key", 1)
    entries(store).register("expired", 1, ttl=0.001)
    until(lambda: entries(store).lookup("expired") is None, "it has expired")
    readers: Waiters = {
        "kv.get": (1, lambda: store.kv.get("key")),
        "list.range": ([1], lambda: store.list.range("key")),
        "queue.depth": (1, lambda: store.queue.depth("key")),
        "queue.dequeue of an empty one": (None, lambda: store.queue.dequeue("none")),
        "dedup.seen": (True, lambda: store.dedup.seen("key", 60)),
        "dedup.claim": (None, lambda: store.dedup.claim("key", 60)),
        "dedup.check": ("done", lambda: store.dedup.check("key")),
        "lock.acquire": (None, lambda: store.lock.acquire("key")),
        "lock.release of another's": (False, lambda: store.lock.release("key", "0" * 32)),
        "keyed.lookup": (1, lambda: entries(store).lookup("key")),
        "keyed.lookup_many": ([1, None], lambda: entries(store).lookup_many(["key", "none"])),
        "keyed.entries": (1, lambda: len(entries(store).entries())),
        "keyed.entries_in_range": (1, lambda: len(entries(store).entries_in_range())),
        "keyed.count": (1, lambda: entries(store).count()),
        "keyed.register_if_absent": (False, lambda: entries(store).register_if_absent("key", 2)),
        "keyed.compare_and_set of another": (False, lambda: entries(store).compare_and_set("key", 2, 3)),
        "keyed.delete_if of another": (False, lambda: entries(store).delete_if("key", 2)),
        "keyed.consume of none": (None, lambda: entries(store).consume("none")),
        "keyed.consume of what expired": (None, lambda: entries(store).consume("expired")),
        "keyed.compare_and_set of what expired": (False, lambda: entries(store).compare_and_set("expired", 1, 2)),
    }
    with other_threads() as call, transaction.atomic():
        lock_everything()
        got = {name: call(read).result(10) for name, (_, read) in readers.items()}
    assert got == expected(readers)


def written_by(operation: Callable[[], Any]) -> int:
    """Return the bytes of WAL that were inserted while it ran, by anybody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        before = cursor.fetchone()[0]
        operation()
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", [before])
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("prepare", "repeat"),
    [
        (lambda store: store.dedup.seen("key", 60), lambda store: store.dedup.seen("key", 60)),
        (lambda store: store.dedup.seen("key", 60), lambda store: store.dedup.claim("key", 60)),
        (lambda store: store.lock.acquire("key"), lambda store: store.lock.acquire("key")),
        (lambda store: store.lock.acquire("key"), lambda store: store.lock.release("key", "0" * 32)),
        (lambda store: store.queue.enqueue("key", 1), lambda store: store.queue.dequeue("none")),
        (lambda store: store.list.append("key", 1), lambda store: store.list.range("key")),
        (lambda store: store.list.append("key", 1), lambda store: store.list.trim("key", 1)),
        (lambda store: entries(store).register("key", 1), lambda store: entries(store).lookup("key")),
        (lambda store: entries(store).register("key", 1), lambda store: entries(store).register_if_absent("key", 2)),
        (lambda store: entries(store).register("key", 1), lambda store: entries(store).compare_and_set("key", 2, 3)),
        (lambda store: entries(store).register("key", 1), lambda store: entries(store).consume("none")),
    ],
    ids=[
        *("seen", "claim", "acquire", "release", "dequeue", "range", "trim"),
        *("lookup", "register_if_absent", "compare_and_set", "consume"),
    ],
)
def test_what_changes_nothing_writes_nothing(
    store: OrmStore, prepare: Callable[[OrmStore], Any], repeat: Callable[[OrmStore], Any]
) -> None:
    prepare(store)
    for _ in range(3):
        repeat(store)
    # Other databases of the server write too, so one quiet moment is proof enough.
    until(lambda: written_by(lambda: repeat(store)) == 0, "a repeat writes no WAL")
    assert written_by(lambda: store.kv.set("key", 1)) > 0, "and what writes is seen to"
