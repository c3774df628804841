"""The memory store holds its bound on entries and drops what expired without being asked."""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from botstate.contracts.queues import OnFull
from botstate.exceptions import StoreError
from botstate.keyed import open_keyed_store
from botstate.stores import MemoryStore
from botstate.stores.memory.room import Room
from botstate.testing.conformance.queues import POLICIES
from tests.stores.memory.clock import Clock

pytestmark = pytest.mark.once

BOUND = 20


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(max_entries=BOUND, clock=clock)


def room_of(store: MemoryStore) -> Room:
    return store._room


def test_the_oldest_values_make_room(store: MemoryStore) -> None:
    for number in range(3 * BOUND):
        store.kv.set(f"key {number}", number)
    assert [store.kv.get(f"key {number}") for number in range(3 * BOUND)] == [
        *[None] * 2 * BOUND,
        *range(2 * BOUND, 3 * BOUND),
    ]
    assert len(room_of(store)) == BOUND


def test_a_value_that_is_set_again_is_young_again(store: MemoryStore) -> None:
    for number in range(BOUND):
        store.kv.set(f"key {number}", number)
    store.kv.set("key 0", "again")
    store.kv.set("one more", 1)
    assert store.kv.get("key 0") == "again"
    assert store.kv.get("key 1", "gone") == "gone"


def test_one_long_list_keeps_its_newest_items(store: MemoryStore) -> None:
    lengths = [store.list.append("key", number) for number in range(3 * BOUND)]
    assert lengths[-1] == BOUND, "the length is that of the items that are left"
    assert store.list.range("key") == list(range(2 * BOUND, 3 * BOUND))


def test_one_long_queue_keeps_its_newest_items_and_those_under_a_claim(store: MemoryStore) -> None:
    store.queue.enqueue("key", "first")
    claim = store.queue.claim("key", "1h")
    assert claim is not None
    depths = [store.queue.enqueue("key", number) for number in range(3 * BOUND)]
    assert depths[-1] == BOUND
    assert store.queue.ack("key", claim.token), "a live claim is never dropped"
    assert store.queue.dequeue("key") == 2 * BOUND + 1


def test_a_returned_item_can_be_dropped_and_found(store: MemoryStore) -> None:
    for number in range(3):
        store.queue.enqueue("key", number)
    claims = [store.queue.claim("key", "1h") for _ in range(2)]
    for claim in reversed(claims):
        assert claim is not None and store.queue.nack("key", claim.token)
    # Item 2 was written longest ago; 1 and 0 were given back after it.
    for number in range(BOUND - 1):
        store.kv.set(f"key {number}", 1)
    assert store.queue.depth("key") == 1
    assert store.queue.dequeue("key") == 0
    assert len(room_of(store)) == BOUND - 1


def test_a_list_or_queue_whose_last_item_made_room_is_fresh(store: MemoryStore, clock: Clock) -> None:
    store.list.append("key", "old", ttl=60)
    store.queue.enqueue("key", "old", ttl=60)
    for number in range(BOUND):
        store.kv.set(f"key {number}", 1)
    assert store.list.range("key") == []
    assert store.queue.depth("key") == 0
    assert store.list.append("key", "new") == 1
    assert store.queue.enqueue("key", "new") == 1
    clock.advance(61)
    assert store.list.range("key") == ["new"], "it inherits no expiry"
    assert store.queue.dequeue("key") == "new"


def test_an_append_that_pushes_out_its_lists_last_item_keeps_the_expiry(clock: Clock) -> None:
    store = MemoryStore(max_entries=1, clock=clock)
    store.list.append("key", "old", ttl=60)
    assert store.list.append("key", "new") == 1
    clock.advance(61)
    assert store.list.range("key") == []


def test_done_keys_make_room_and_claimed_ones_do_not(store: MemoryStore) -> None:
    token = store.dedup.claim("claimed", "1h")
    assert token is not None
    for number in range(2 * BOUND):
        store.dedup.seen(f"key {number}", "1h")
    assert store.dedup.check("claimed") == "claimed"
    assert store.dedup.check("key 0") == "new"
    assert store.dedup.check(f"key {2 * BOUND - 1}") == "done"
    assert store.dedup.commit("claimed", token, "1h")
    for number in range(2 * BOUND):
        store.dedup.seen(f"other {number}", "1h")
    assert store.dedup.check("claimed") == "new", "a key that was committed is done like any other"
    assert len(room_of(store)) == BOUND


def test_held_locks_are_never_dropped(store: MemoryStore) -> None:
    lock = store.lock.acquire("key", ttl="1h")
    assert lock is not None
    for number in range(2 * BOUND):
        store.kv.set(f"key {number}", number)
    assert store.lock.acquire("key") is None
    assert store.lock.release("key", lock.token)


def test_full_of_locks_and_claims_it_refuses_and_writes_nothing(store: MemoryStore, clock: Clock) -> None:
    store.kv.set("key", "old")
    store.queue.enqueue("queue", 1)
    claim = store.queue.claim("queue", "1h")
    for number in range(BOUND - 2):
        assert store.lock.acquire(f"key {number}", ttl="1h")
    assert store.dedup.claim("claimed", "1h"), "the kv value makes room for it"
    for write in (
        lambda: store.kv.set("key", "new"),
        lambda: store.list.append("key", 1),
        lambda: store.lock.acquire("key"),
        lambda: store.dedup.seen("key", 1),
        lambda: store.dedup.claim("key", 1),
        lambda: store.queue.enqueue("queue", 1),
    ):
        with pytest.raises(StoreError, match="full"):
            write()
    assert store.kv.get("key", "gone") == "gone"
    assert store.queue.depth("queue") == 1
    assert claim is not None and store.queue.ack("queue", claim.token)
    store.kv.set("key", "new")
    assert len(room_of(store)) == BOUND
    clock.advance(2 * 3600)
    assert store.kv.get("key") == "new"
    assert len(room_of(store)) == 1, "leases end by themselves"


def test_what_expired_goes_without_being_asked(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    for number in range(100):
        store.kv.set(f"key {number}", 1, ttl=60)
        store.list.append(f"key {number}", 1, ttl=60)
        store.queue.enqueue(f"key {number}", 1, ttl=60)
        store.dedup.seen(f"key {number}", 60)
        assert store.lock.acquire(f"key {number}", ttl=60)
    assert len(room_of(store)) == 500
    clock.advance(60)
    store.kv.set("one more", 1)
    assert len(room_of(store)) == 1
    assert not any((store.kv._rows.keys() - {next(iter(store.kv._rows))}, store.list._rows, store.queue._rows))
    assert not any((store.dedup._rows, store.lock._rows))


def test_times_that_were_set_again_do_not_pile_up(store: MemoryStore) -> None:
    for number in range(10_000):
        store.kv.set("key", number, ttl="1h")
        store.dedup.seen(f"key {number % 50}", "1h")
    lock = store.lock.acquire("key")
    assert lock is not None
    for _ in range(10_000):
        store.lock.extend("key", lock.token, "1h")
    assert len(room_of(store)._alarms) < 200


def test_fences_grow_over_dropped_rows_restarts_and_a_clock_that_stands_still(clock: Clock) -> None:
    started_us = clock.now_us
    fences = []
    for _ in range(3):
        store = MemoryStore(clock=clock)
        for _ in range(5):
            lock = store.lock.acquire("key", ttl=1)
            assert lock is not None and store.lock.release("key", lock.token)
            fences.append(lock.fence)
        clock.advance(1)
    assert fences == sorted(set(fences))
    assert fences[0] == started_us, "they begin with the clock's microseconds"


def test_a_clock_that_steps_back_brings_nothing_back(store: MemoryStore, clock: Clock) -> None:
    store.kv.set("key", 1, ttl=10)
    first = store.lock.acquire("key", ttl=10)
    clock.advance(10)
    assert store.kv.get("key") is None
    clock.advance(-3600)
    assert store.kv.get("key") is None
    second = store.lock.acquire("key")
    assert first is not None and second is not None and second.fence > first.fence


def test_namespaces_and_stores_are_apart(clock: Clock) -> None:
    one, other = MemoryStore(namespace="one", clock=clock), MemoryStore(namespace="other", clock=clock)
    one.kv.set("key", 1)
    assert other.kv.get("key") is None


@pytest.mark.parametrize("options", [{"max_entries": 0}, {"max_value_bytes": 0}, {"namespace": "n" * 256}])
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        MemoryStore(**options)


def test_twins_run_on_the_loop_itself(store: MemoryStore) -> None:
    async def used() -> set[int]:
        threads = set()
        store._room._clock = lambda: threads.add(threading.get_ident()) or 1  # type: ignore[func-returns-value]
        await store.kv.aset("key", 1)
        await store.list.aappend("key", 1)
        async with store.lock.ahold("key"):
            await store.queue.aenqueue("key", 1)
        await store.dedup.aseen("key", 1)
        await store.asweep()
        await store.aclose()
        return threads

    assert asyncio.run(used()) == {threading.get_ident()}


def lock_for_a_while(store: MemoryStore, chance: random.Random, key: str) -> None:
    lock = store.lock.acquire(key, ttl=0.001)
    if lock and chance.randrange(2):
        store.lock.release(key, lock.token)


def claim_key_for_a_while(store: MemoryStore, chance: random.Random, key: str) -> None:
    token = store.dedup.claim(key, 0.001)
    if token and chance.randrange(2):
        store.dedup.commit(key, token, 0.001)


def claim_item_for_a_while(store: MemoryStore, chance: random.Random, key: str) -> None:
    claim = store.queue.claim(key, 0.001)
    if claim and chance.randrange(2):
        chance.choice([store.queue.ack, store.queue.nack])(key, claim.token)


ACTS: list[Callable[[MemoryStore, random.Random, str], object]] = [
    lambda store, chance, key: store.kv.set(key, 1, ttl=chance.choice([None, 0.001])),
    lambda store, chance, key: store.kv.consume(key),
    lambda store, chance, key: store.list.append(key, 1, chance.choice([None, 3]), chance.choice([None, 0.001])),
    lambda store, chance, key: store.list.delete(key),
    lambda store, chance, key: store.dedup.seen(key, 0.001),
    lambda store, chance, key: store.queue.enqueue(
        key, 1, chance.choice([None, 5]), chance.choice(POLICIES), chance.choice([None, 0.01])
    ),
    lambda store, chance, key: store.queue.dequeue(key),
    lock_for_a_while,
    claim_key_for_a_while,
    claim_item_for_a_while,
    lambda store, chance, key: open_keyed_store(key, chance.choice([None, 2]), store=store).register(
        f"key {chance.randrange(4)}", 1, chance.choice([None, 0.001])
    ),
    lambda store, chance, key: open_keyed_store(key, store=store).consume(f"key {chance.randrange(4)}"),
]


def test_the_bound_and_the_books_hold_under_threads() -> None:
    store = MemoryStore(max_entries=50)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(1_500):
            chance.choice(ACTS)(store, chance, f"key {chance.randrange(8)}")
            with room_of(store):
                assert len(room_of(store)) <= 50

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with room_of(store):
        lines = list(store.queue._rows.values())
        shelves = list(store.keyed._rows.values())
        counted = (
            len(store.kv._rows)
            + len(store.lock._rows)
            + len(store.dedup._rows)
            + sum(len(series.items) for series in store.list._rows.values())
            + sum(len(line) for line in lines)
            + sum(len(shelf.items) for shelf in shelves)
        )
        held = len(store.lock._rows) + sum(len(line.claimed) for line in lines)
        held += sum(mark.token is not None for mark in store.dedup._rows.values())
        assert counted == len(room_of(store)), "what is counted is what is there"
        assert held == room_of(store)._held
        assert all(len(line) for line in lines) and all(series.items for series in store.list._rows.values())
        assert all(shelf.items for shelf in shelves)


@pytest.mark.parametrize(
    ("on_full", "max_size", "left"),
    [
        ("drop-newest", 4, [0, 1, 2, 3]),
        ("drop-newest", 1, [0]),
        ("drop-oldest", 4, [1, 2, 3, "new"]),
        ("drop-oldest", 2, [3, "new"]),
        ("drop-oldest", 1, ["new"]),
    ],
)
def test_a_full_queue_counts_returned_items_by_their_place(
    store: MemoryStore, on_full: OnFull, max_size: int, left: list[Any]
) -> None:
    for number in range(4):
        store.queue.enqueue("key", number)
    claims = [store.queue.claim("key", 60) for _ in range(2)]
    for claim in reversed(claims):
        assert claim is not None and store.queue.nack("key", claim.token)
    assert store.queue.enqueue("key", "new", max_size, on_full) == max_size
    assert [store.queue.dequeue("key", "empty") for _ in range(max_size + 1)] == [*left, "empty"]
