"""Races between eight processes on one database: one winner, nothing lost, every bound kept."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botstate.stores import OrmStore
from tests.stores.racers import RACERS, Racers

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ROUNDS = 12
COUNT = 15
CAP = 5
ALL = sorted([racer, number] for racer in range(RACERS) for number in range(COUNT))


@pytest.fixture(scope="module")
def racers(django_db_setup: None, django_db_blocker: Any) -> Iterator[Racers]:
    with django_db_blocker.unblock():
        started = Racers()
    yield started
    started.close()


@pytest.fixture
def store() -> OrmStore:
    return OrmStore()


def assert_in_order_of_each_producer(items: list[Any]) -> None:
    for producer in range(RACERS):
        numbers = [number for racer, number in items if racer == producer]
        assert numbers == sorted(numbers), f"the values of producer {producer} changed their order: {numbers}"


def test_one_winner_per_consume(racers: Racers, store: OrmStore) -> None:
    for number in range(ROUNDS):
        store.kv.set("key", number)
        assert Counter(racers.call("kv.consume", "key", "gone")) == {number: 1, "gone": RACERS - 1}


def test_one_winner_per_delete(racers: Racers, store: OrmStore) -> None:
    for _ in range(ROUNDS):
        store.kv.set("key", 1)
        assert Counter(racers.call("kv.delete", "key")) == {True: 1, False: RACERS - 1}


def test_one_winner_per_seen(racers: Racers) -> None:
    for number in range(ROUNDS):
        assert Counter(racers.call("dedup.seen", f"key {number}", "1h")) == {False: 1, True: RACERS - 1}


def test_one_winner_per_claim_of_dedup(racers: Racers) -> None:
    for number in range(ROUNDS):
        tokens = [token for token in racers.call("dedup.claim", f"key {number}", "1h") if token]
        assert len(tokens) == 1
        assert Counter(racers.call("dedup.commit", f"key {number}", tokens[0], "1h")) == {True: 1, False: RACERS - 1}


def test_one_winner_per_acquire(racers: Racers, store: OrmStore) -> None:
    for number in range(ROUNDS):
        assert Counter(racers.call("lock.acquire", "key", "1h")) == {True: 1, None: RACERS - 1}
        # Once on a row that is there, and once on one that must be made.
        assert store.lock.force_release("key")
        assert Counter(racers.call("lock.acquire", f"key {number}", "1h")) == {True: 1, None: RACERS - 1}


def test_one_winner_per_item_that_is_claimed(racers: Racers, store: OrmStore) -> None:
    for number in range(ROUNDS):
        store.queue.enqueue(f"key {number}", number)
        assert Counter(racers.call("queue.claim", f"key {number}", "1h")) == {True: 1, None: RACERS - 1}


def test_no_append_is_lost(racers: Racers, store: OrmStore) -> None:
    orders = [("append", {"racer": racer, "key": "key", "count": COUNT, "max_len": None}) for racer in range(RACERS)]
    lengths = sorted(length for lengths in racers.run(*orders) for length in lengths)
    assert lengths == list(range(1, RACERS * COUNT + 1)), "every append returns a length of its own"
    items = store.list.range("key")
    assert sorted(items) == ALL, "every appended value is there exactly once"
    assert_in_order_of_each_producer(items)


def test_the_cap_of_a_list_is_kept(racers: Racers, store: OrmStore) -> None:
    orders = [("append", {"racer": racer, "key": "key", "count": COUNT, "max_len": CAP}) for racer in range(RACERS)]
    lengths = Counter(length for lengths in racers.run(*orders) for length in lengths)
    assert lengths == {1: 1, 2: 1, 3: 1, 4: 1, CAP: RACERS * COUNT - 4}, "each append sees the cap kept exactly"
    items = store.list.range("key")
    assert len(items) == CAP
    assert_in_order_of_each_producer(items)


def test_no_enqueue_is_lost(racers: Racers, store: OrmStore) -> None:
    arguments = {"key": "key", "count": COUNT, "max_size": None, "on_full": "drop-oldest"}
    got = racers.run(*[("enqueue", {"racer": racer, **arguments}) for racer in range(RACERS)])
    assert sorted(depth for depths in got for depth in depths) == list(range(1, RACERS * COUNT + 1))
    items = [store.queue.dequeue("key") for _ in range(store.queue.depth("key"))]
    assert sorted(items) == ALL, "every enqueued value is there exactly once"
    assert_in_order_of_each_producer(items)


@pytest.mark.parametrize("on_full", ["drop-oldest", "drop-newest"])
def test_the_bound_of_a_queue_is_kept(racers: Racers, store: OrmStore, on_full: str) -> None:
    arguments = {"key": "key", "count": COUNT, "max_size": CAP, "on_full": on_full}
    got = racers.run(*[("enqueue", {"racer": racer, **arguments}) for racer in range(RACERS)])
    depths = Counter(depth for depths in got for depth in depths)
    assert depths == {1: 1, 2: 1, 3: 1, 4: 1, CAP: RACERS * COUNT - 4}, "each enqueue sees the bound kept exactly"
    assert store.queue.depth("key") == CAP
    items = [store.queue.dequeue("key", "empty") for _ in range(CAP + 1)]
    assert items.pop() == "empty", "the depth is that of the items"
    assert_in_order_of_each_producer(items)


def test_first_in_first_out_per_producer_while_others_consume(racers: Racers, store: OrmStore) -> None:
    half = RACERS // 2
    orders = [
        ("produce" if racer < half else "consume", {"racer": racer, "key": "key", "count": COUNT})
        for racer in range(RACERS)
    ]
    taken = racers.run(*orders)[half:]
    expected = [item for item in ALL if item[0] < half]
    assert sorted(item for items in taken for item in items) == expected, "every value is taken exactly once"
    assert store.queue.depth("key") == 0, "nothing is left"
    for items in taken:
        assert_in_order_of_each_producer(items)


def test_fences_grow_in_the_order_of_acquisition_and_nobody_shares_a_lock(racers: Racers, tmp_path: Path) -> None:
    order = {"key": "key", "count": 12, "holder": str(tmp_path / "holder"), "log": str(tmp_path / "fences")}
    assert racers.run(("hold", order)) == [12] * RACERS, "every process gets its turns"
    fences = [int(line) for line in (tmp_path / "fences").read_text().split()]
    assert len(fences) == 12 * RACERS
    assert fences == sorted(set(fences)), "every fence is greater than that of the holder before"
