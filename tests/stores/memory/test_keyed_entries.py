"""Keyed entries in memory: their order, the room's bound, and nothing left of what is gone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import LimitExceeded, StoreError
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import MemoryStore
from botstate.stores.memory.keyed import Shelf
from tests.stores.beside_orm import assert_same_answers
from tests.stores.memory.clock import Clock

pytestmark = pytest.mark.once

THREADS = 8
COUNT = 300


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(clock=clock)


def shelves_of(store: MemoryStore) -> dict[str, Shelf]:
    assert store.keyed is not None
    shelves: dict[str, Shelf] = store.keyed._rows
    return shelves


def keys_of(collection: KeyedStore) -> list[str]:
    return [entry.key for entry in collection.entries()]


@pytest.mark.long
@pytest.mark.django_db
def test_memory_and_the_portable_path_give_the_same_answers() -> None:
    clock = Clock()

    def make_store() -> StateStore:
        return MemoryStore(clock=clock)

    assert_same_answers(make_store, clock.advance)


def test_times_are_the_stores(store: MemoryStore, clock: Clock) -> None:
    collection = open_keyed_store("n", store=store)
    collection.register("key", 1, ttl=60)
    first = collection.lookup_entry("key")
    clock.advance(59.999999)
    last = collection.lookup_entry("key")
    assert first is not None and first.expires_at is not None and last is not None
    assert first.created_at == first.found_at == last.created_at
    assert first.expires_at - first.created_at == timedelta(minutes=1)
    assert last.found_at == first.expires_at - timedelta(microseconds=1)
    clock.advance(0.000001)
    assert collection.lookup_entry("key") is None, "it is gone in the very microsecond"


def test_writing_anew_begins_anew(store: MemoryStore, clock: Clock) -> None:
    collection = open_keyed_store("n", store=store)
    collection.register("a", 1, ttl=10)
    collection.register("b", 1, ttl=10)
    clock.advance(5)
    assert collection.compare_and_set("a", 1, 2)
    assert keys_of(collection) == ["b", "a"]
    clock.advance(5)
    assert keys_of(collection) == ["a"]
    clock.advance(10_000)
    assert collection.lookup("a") == 2, "the alarm of its first writing is off"


def test_nothing_is_left_of_an_empty_collection(store: MemoryStore, clock: Clock) -> None:
    ways: list[Callable[[KeyedStore], Any]] = [
        lambda each: each.consume("key"),
        lambda each: each.delete("key"),
        lambda each: each.delete_if("key", 1),
        lambda each: each.clear(),
        lambda each: clock.advance(60),
    ]
    for number, way in enumerate(ways):
        collection = open_keyed_store(f"n {number}", store=store)
        collection.register("key", 1, ttl=60)
        assert len(shelves_of(store)) == 1
        way(collection)
        assert collection.count() == 0
        assert not shelves_of(store) and len(store._room) == 0
    for number in range(100):
        empty = open_keyed_store(f"n {number}", max_entries=1, overflow="reject-new", store=store)
        assert empty.lookup("key") is None and not empty.delete("key") and empty.entries() == []
        assert empty.update("key", lambda value: {"never": "raised"}) and empty.clear() == 1
    assert not shelves_of(store) and len(store._room) == 0 and len(store._room._alarms) < 100


def test_the_rooms_bound_counts_entries_and_drops_the_oldest(clock: Clock) -> None:
    store = MemoryStore(max_entries=10, clock=clock)
    one, other = (open_keyed_store(name, store=store) for name in ("one", "other"))
    for number in range(6):
        one.register(f"key {number}", number)
    store.kv.set("key", 1)
    one.register("key 0", "again")
    for number in range(6):
        other.register(f"key {number}", number)
    assert len(store._room) == 10
    assert keys_of(one) == ["key 4", "key 5", "key 0"], "what was written anew is young again"
    assert [entry.key for entry in one.entries_in_range()] == ["key 0", "key 4", "key 5"]
    assert store.kv.get("key") == 1 and other.count() == 6
    for number in range(10):
        store.kv.set(f"key {number}", 1)
    assert not shelves_of(store), "a collection whose last entry made room is gone"
    other.register("key", 1)
    assert keys_of(other) == ["key"]


def test_full_of_locks_it_refuses_and_writes_nothing(clock: Clock) -> None:
    store = MemoryStore(max_entries=2, clock=clock)
    collection = open_keyed_store("n", store=store)
    collection.register("key", 1)
    for number in range(2):
        assert store.lock.acquire(f"key {number}", ttl=60)
    with pytest.raises(StoreError, match="full"):
        collection.register("key", 2)
    with pytest.raises(StoreError, match="full"):
        collection.register_if_absent("key", 2)
    assert collection.count() == 0 and not shelves_of(store)
    clock.advance(60)
    collection.register("key", 3)
    assert collection.lookup("key") == 3


def test_what_expired_makes_room_before_what_lives(store: MemoryStore, clock: Clock) -> None:
    evicting = open_keyed_store("evicting", max_entries=2, store=store)
    rejecting = open_keyed_store("rejecting", max_entries=2, overflow="reject-new", store=store)
    for each in (evicting, rejecting):
        each.register("old", 1)
        each.register("young", 1, ttl=10)
    with pytest.raises(LimitExceeded):
        rejecting.register("new", 1)
    clock.advance(10)
    for each in (evicting, rejecting):
        each.register("new", 1)
        assert keys_of(each) == ["old", "new"]


def test_a_clock_that_steps_back_brings_nothing_back(store: MemoryStore, clock: Clock) -> None:
    collection = open_keyed_store("n", store=store)
    collection.register("a", 1, ttl=10)
    collection.register("b", 1)
    clock.advance(10)
    assert keys_of(collection) == ["b"]
    clock.advance(-3_600)
    collection.register("c", 1)
    assert keys_of(collection) == ["b", "c"], "the order is that of writing, whatever the clock says"


def in_threads(work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


def test_bounds_hold_under_threads() -> None:
    store = MemoryStore()
    evicting = open_keyed_store("evicting", max_entries=5, store=store)
    rejecting = open_keyed_store("rejecting", max_entries=5, overflow="reject-new", store=store)

    def work(racer: int) -> tuple[int, int]:
        most = admitted = 0
        for number in range(COUNT):
            evicting.register(f"{racer} {number}", number, ttl=[None, 0.001][number % 2])
            most = max(most, evicting.count(), len(evicting.entries()), len(evicting.entries_in_range()))
            try:
                admitted += rejecting.register_if_absent(f"{racer} {number}", 1)
            except LimitExceeded:
                most = max(most, rejecting.count())
        return most, admitted

    results = in_threads(work)
    assert max(most for most, _ in results) <= 5
    assert sum(admitted for _, admitted in results) == rejecting.count() == 5
    with store._room:
        shelves = list(shelves_of(store).values())
        assert len(store._room) == sum(len(shelf.items) for shelf in shelves)
        listed_by_range = [shelf for shelf in shelves if shelf.keys is not None]
        assert listed_by_range
        assert all(shelf.keys == sorted(shelf.items) for shelf in listed_by_range)


def test_keys_are_kept_in_order_from_the_first_range_on() -> None:
    store = MemoryStore()
    collection = open_keyed_store("n", max_entries=4, store=store)
    for key in "dbeac":
        collection.register(key, 1)
    (shelf,) = shelves_of(store).values()
    assert shelf.keys is None, "a collection that is not read by range need not keep its keys in order"
    assert [entry.key for entry in collection.entries_in_range()] == ["a", "b", "c", "e"]
    collection.register("ba", 1)
    collection.consume("a")
    collection.register("f", 1)
    assert [entry.key for entry in collection.entries_in_range("b")] == ["ba", "c", "e", "f"]


def test_one_winner_and_nothing_lost_under_threads() -> None:
    collection = open_keyed_store("n", store=MemoryStore())

    def work(racer: int) -> tuple[int, int, int]:
        claimed = consumed = swapped = 0
        for number in range(COUNT):
            claimed += collection.register_if_absent(f"claim {number}", racer)
            consumed += collection.consume(f"claim {number - 20}") is not None
            collection.update("count", lambda value: value + 1, default=0)
            swapped += collection.compare_and_set("turn", number, number + 1)
        return claimed, consumed, swapped

    collection.register("turn", 0)
    claimed, consumed, swapped = map(sum, zip(*in_threads(work), strict=True))
    left = collection.count() - 2
    assert claimed == consumed + left, "what was claimed was consumed once, or is there"
    assert claimed >= COUNT
    assert collection.lookup("count") == THREADS * COUNT, "no update is lost"
    assert collection.lookup("turn") == swapped
