"""What expires while its user waits for a row lock is expired, for every method that waits for one.

Whoever holds the row either only locks it or writes it too: PostgreSQL evaluates a waiting statement anew after the
second, and goes on with what it had after the first. On SQLite the one lock is the database's.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from botstate.db.clock import now_us
from botstate.models import DedupEntry, KvEntry, ListHead, LockRow, QueueHead, QueueItem
from botstate.stores import OrmStore
from tests.stores.faults.sessions import lock_waiters
from tests.stores.waiting import other_threads, until

pytestmark = [
    pytest.mark.needs("postgresql", "mysql", "sqlite"),
    pytest.mark.django_db(transaction=True, available_apps=["botstate"]),
]

HEADS = (KvEntry, ListHead, QueueHead, DedupEntry, LockRow)
#: Long enough for everybody to connect and to begin to wait; nothing is written for less before that.
SOON_US = 1_500_000
TTL = 60
Waiter = Callable[[], Any]
#: These may answer at once, by what holds when they are asked: they find it taken, or only read.
AT_ONCE = {"list.range": ["old"], "dedup.seen": True, "dedup.claim": False, "lock.acquire": False}


@pytest.fixture(params=["fast", "portable"])
def store(request: pytest.FixtureRequest) -> OrmStore:
    """The portable path is MySQL's: it is here that its row locks are tried, which the one on SQLite does without."""
    return OrmStore(portable=request.param == "portable")


def hold_rows(writes: bool) -> None:
    """Hold every row until the transaction ends."""
    for model in HEADS:
        rows = model._default_manager
        list(rows.select_for_update())
        if writes:
            rows.update(label=F("label") if connection.vendor == "postgresql" else "held")


def expire_soon() -> int:
    """Let everything expire soon that was to expire after TTL, and return when."""
    now = now_us("default")
    end = now + SOON_US
    for model in HEADS:
        model._default_manager.exclude(expires_us=None).update(expires_us=end)
    QueueItem.objects.filter(lease_expires_us__lte=now + TTL * 1_000_000).update(lease_expires_us=end)
    return end


def outcomes(waiters: dict[str, Waiter], writes: bool) -> tuple[dict[str, Any], set[str]]:
    """Let each wait for its row until all that can expire has; return what each gave, and who did not wait."""
    end = expire_soon()
    with other_threads() as call:
        with transaction.atomic():
            hold_rows(writes)
            waiting = {name: call(waiter) for name, waiter in waiters.items()}

            def waits_or_is_done() -> bool:
                done = sum(future.done() for future in waiting.values())
                return lock_waiters() + done == len(waiting)

            until(waits_or_is_done, "every method waits for its row, or has answered")
            at_once = {name for name, future in waiting.items() if future.done()}
            assert now_us("default") < end, "they began to wait before the expiry"
            until(lambda: now_us("default") > end, "everything has expired")
        return {name: future.result(20) for name, future in waiting.items()}, at_once


@pytest.mark.parametrize("writes", [False, True], ids=["locked", "written"])
def test_what_expires_during_the_wait_is_expired(store: OrmStore, writes: bool) -> None:
    keys = [f"key {number}" for number in range(6)]
    leased = [f"leased {number}" for number in range(3)]
    for key in keys + leased:
        store.queue.enqueue(key, "old")
        store.queue.enqueue(key, "newer")
    # These claims outlive their queue; those of the leased do not.
    claimed = [store.queue.claim(key, 2 * TTL) for key in keys[3:5]]
    locks = [store.lock.acquire(key, TTL) for key in keys]
    claims = [store.dedup.claim(key, TTL) or "" for key in keys]
    for key in keys:
        store.kv.set(key, "old", ttl=TTL)
        store.list.append(key, "old", ttl=TTL)
        store.queue.enqueue(key, "newest", ttl=TTL)
    lapsing = [store.queue.claim(key, TTL) for key in leased]
    tokens = [lock.token if lock else "" for lock in locks]
    outliving, lapsed = [[item.token if item else "" for item in items] for items in (claimed, lapsing)]
    expected: dict[str, tuple[Any, Waiter]] = {
        "kv.consume": ("gone", lambda: store.kv.consume(keys[0], "gone")),
        "kv.delete": (False, lambda: store.kv.delete(keys[1])),
        "list.range": ([], lambda: store.list.range(keys[0])),
        "list.delete": (False, lambda: store.list.delete(keys[1])),
        "list.append": (1, lambda: store.list.append(keys[2], "new")),
        "queue.dequeue": ("gone", lambda: store.queue.dequeue(keys[0], "gone")),
        "queue.claim": (None, lambda: store.queue.claim(keys[1], 60)),
        "queue.enqueue": (1, lambda: store.queue.enqueue(keys[2], "new")),
        "queue.ack of an expired queue": (False, lambda: store.queue.ack(keys[3], outliving[0])),
        "queue.nack of an expired queue": (False, lambda: store.queue.nack(keys[4], outliving[1])),
        "queue.ack of a lapsed claim": (False, lambda: store.queue.ack(leased[0], lapsed[0])),
        "queue.nack of a lapsed claim": (False, lambda: store.queue.nack(leased[1], lapsed[1])),
        "queue.dequeue of a lapsed claim": ("old", lambda: store.queue.dequeue(leased[2])),
        "dedup.seen": (False, lambda: store.dedup.seen(keys[0], 60)),
        "dedup.claim": (True, lambda: store.dedup.claim(keys[1], 60) is not None),
        "dedup.commit": (False, lambda: store.dedup.commit(keys[2], claims[2], 60)),
        "dedup.release": (False, lambda: store.dedup.release(keys[3], claims[3])),
        "lock.acquire": (True, lambda: store.lock.acquire(keys[0]) is not None),
        "lock.extend": (False, lambda: store.lock.extend(keys[1], tokens[1], 60)),
        "lock.release": (False, lambda: store.lock.release(keys[2], tokens[2])),
        "lock.force_release": (False, lambda: store.lock.force_release(keys[3])),
    }
    got, at_once = outcomes({name: waiter for name, (_, waiter) in expected.items()}, writes)
    assert at_once <= set(AT_ONCE), "only these may answer by what holds when they are asked"
    assert got == {name: AT_ONCE[name] if name in at_once else value for name, (value, _) in expected.items()}, (
        "expiry is tested against the store's clock after the row lock has been obtained"
    )
    assert store.list.range(keys[2]) == ["new"], "what had expired did not come back by the append"
    assert store.queue.depth(keys[2]) == 1
    assert store.lock.acquire(keys[1]) is not None
    assert store.dedup.check(keys[2]) == "new"


@pytest.mark.parametrize("writes", [False, True], ids=["locked", "written"])
def test_a_time_to_live_begins_after_the_wait(store: OrmStore, writes: bool) -> None:
    store.kv.set("key", "old", ttl=TTL)
    store.list.append("key", "old")
    store.queue.enqueue("key", "old")
    store.queue.enqueue("leased", "old")
    for key in ("acquired", "extended"):
        lock = store.lock.acquire(key, 60)
        assert lock is not None
        if key == "acquired":
            assert store.lock.release(key, lock.token)
    held = lock.token
    for key in ("seen", "claimed"):
        claim = store.dedup.claim(key, 60)
        assert claim is not None and store.dedup.release(key, claim)
        # The row is made if the release has taken it away.
        DedupEntry.objects.filter(label=key).exists() or store.dedup.seen(key, 0.001)
    committed = store.dedup.claim("committed", 60) or ""
    until(lambda: store.dedup.check("seen") == store.dedup.check("claimed") == "new", "these are free")
    ttl = 30
    waiters: dict[str, Waiter] = {
        "kv.set": lambda: store.kv.set("key", "new", ttl=ttl),
        "list.append": lambda: store.list.append("key", "new", ttl=ttl),
        "queue.enqueue": lambda: store.queue.enqueue("key", "new", ttl=ttl),
        "queue.claim": lambda: store.queue.claim("leased", ttl) is not None,
        "dedup.seen": lambda: store.dedup.seen("seen", ttl),
        "dedup.claim": lambda: store.dedup.claim("claimed", ttl) is not None,
        "dedup.commit": lambda: store.dedup.commit("committed", committed, ttl),
        "lock.acquire": lambda: store.lock.acquire("acquired", ttl) is not None,
        "lock.extend": lambda: store.lock.extend("extended", held, ttl),
    }
    with other_threads() as call:
        with transaction.atomic():
            hold_rows(writes)
            waiting = {name: call(waiter) for name, waiter in waiters.items()}
            until(lambda: lock_waiters() == len(waiters), "every method waits for its row")
            began = now_us("default")
            until(lambda: now_us("default") > began + 200_000, "they have waited for a while")
            released = now_us("default")
        got = {name: future.result(20) for name, future in waiting.items()}
    unlike = {"kv.set": None, "dedup.seen": False, "list.append": 2, "queue.enqueue": 2}
    assert got == {name: unlike.get(name, True) for name in waiters}
    ends = {
        f"{model.__name__} {row.pk}": row.expires_us
        for model in HEADS
        for row in model._default_manager.filter(expires_us__gt=released)
    }
    ends |= {f"lease {item.pk}": item.lease_expires_us for item in QueueItem.objects.exclude(lease_expires_us=None)}
    assert len(ends) == len(waiters), "each of them has set an end"
    early = {name: (end - released) / 1e6 for name, end in ends.items() if end < released + ttl * 1_000_000}
    assert early == {}, "a time-to-live is counted from when the row was obtained"


def test_what_was_recorded_by_whom_it_waits_for_can_have_expired_too(store: OrmStore) -> None:
    with other_threads() as call:
        with transaction.atomic():
            assert store.dedup.seen("key", SOON_US / 1_000_000) is False
            end = now_us("default") + SOON_US
            waiting = call(store.dedup.seen, "key", TTL)
            until(lambda: lock_waiters() == 1, "it waits for what becomes of the key")
            assert now_us("default") < end - SOON_US / 10, "it began to wait before the expiry"
            until(lambda: now_us("default") > end, "what was recorded has expired")
        assert waiting.result(20) is False, "expiry is tested against the clock after the wait"
    assert store.dedup.check("key") == "done"
