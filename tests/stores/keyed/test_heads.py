"""Heads of keyed collections on the ORM store: the sweep takes those of empty ones, whatever their writers do."""

from collections import Counter
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from botstate.keyed import KeyedStore, open_keyed_store
from botstate.models import KeyedEntry, KeyedHead
from botstate.stores import OrmStore
from tests.stores.clock import advance
from tests.stores.waiting import other_threads

WRITERS = 4
SWEEPERS = 2
ROUNDS = 100


@pytest.fixture(params=["fast", "portable"])
def store(request: pytest.FixtureRequest) -> OrmStore:
    return OrmStore(portable=request.param == "portable")


def labels() -> set[str]:
    return set(KeyedHead.objects.values_list("label", flat=True))


def assert_heads_count_their_rows() -> None:
    lengths = {digest: length for digest, length in KeyedHead.objects.values_list("pk", "length") if length}
    assert lengths == Counter(KeyedEntry.objects.values_list("head", flat=True)), "a head counts its rows"


@pytest.mark.django_db
def test_collections_of_one_use_each_leave_nothing(store: OrmStore) -> None:
    for number in range(30):
        open_keyed_store(f"of event {number}", store=store).register("claim", 1, ttl=60)
    open_keyed_store("consumed", store=store).register("a", 1)
    open_keyed_store("consumed", store=store).consume("a")
    open_keyed_store("cleared", store=store).register("a", 1)
    open_keyed_store("cleared", store=store).clear()
    open_keyed_store("lives", store=store).register("a", 1)
    advance(60)
    while store.sweep()["keyed"]:
        pass
    assert labels() == {"lives"}, "no more is left of a collection than its entries"
    assert KeyedEntry.objects.count() == 1


@pytest.mark.django_db
def test_a_sweeps_limit_is_of_entries_and_heads_together(store: OrmStore) -> None:
    for number in range(5):
        open_keyed_store(f"n{number}", store=store).register("a", 1, ttl=60)
    advance(60)
    swept = [store.sweep(limit=4)["keyed"] for _ in range(4)]
    assert swept == [4, 4, 2, 0]
    assert (KeyedHead.objects.count(), KeyedEntry.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_what_is_written_after_the_sweep_is_in_order_and_in_bounds(store: OrmStore) -> None:
    entries = open_keyed_store("n", max_entries=3, store=store)
    for key in "abcd":
        entries.register(key, 1, ttl=60)
    advance(60)
    store.sweep()
    assert labels() == set()
    assert (entries.count(), entries.entries(), entries.clear()) == (0, [], 0)
    assert entries.consume("d") is None
    assert entries.compare_and_set("d", 1, 2) is False
    for key in "efgh":
        entries.register(key, 1)
    assert [entry.key for entry in entries.entries()] == ["f", "g", "h"]
    assert_heads_count_their_rows()


@pytest.mark.django_db
def test_all_that_expired_at_one_moment_goes_before_what_lives(store: OrmStore) -> None:
    entries = open_keyed_store("n", max_entries=5, store=store)
    entries.register("live", 1)
    for key in "abcd":
        entries.register(key, 1, ttl=60)
    KeyedEntry.objects.exclude(expires_us=None).update(expires_us=1)
    open_keyed_store("n", max_entries=2, store=store).register("new", 1)
    assert [entry.key for entry in entries.entries()] == ["live", "new"]
    assert KeyedEntry.objects.count() == 2
    assert_heads_count_their_rows()


WRITES: dict[str, Callable[[KeyedStore], Any]] = {
    "register": lambda entries: entries.register("a", 1),
    "register_if_absent": lambda entries: entries.register_if_absent("a", 1),
    "update": lambda entries: entries.update("a", lambda had: 1),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("postgresql", "mysql")
@pytest.mark.parametrize("write", list(WRITES))
def test_a_writer_that_waited_for_the_sweep_makes_the_head_again(store: OrmStore, write: str) -> None:
    entries = open_keyed_store("n", store=store)
    entries.register("a", 0)
    entries.consume("a")
    swept, may_commit = Event(), Event()

    def sweep() -> None:
        with transaction.atomic():
            assert store.sweep()["keyed"] == 1
            swept.set()
            assert may_commit.wait(20)

    with other_threads() as call:
        sweeper = call(sweep)
        try:
            assert swept.wait(20)
            writer = call(WRITES[write], entries)
        finally:
            may_commit.set()
        sweeper.result(20)
        writer.result(20)
    assert entries.lookup("a") == 1
    assert_heads_count_their_rows()


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("postgresql", "mysql")
def test_an_empty_head_that_somebody_writes_to_is_left_for_later(store: OrmStore) -> None:
    entries = open_keyed_store("n", store=store)
    entries.register("a", 0)
    entries.consume("a")
    written, swept = Event(), Event()

    def write() -> None:
        with transaction.atomic():
            entries.register("a", 1)
            written.set()
            assert swept.wait(20)

    with other_threads() as call:
        writer = call(write)
        try:
            assert written.wait(20)
            assert store.sweep()["keyed"] == 0, "what is locked is skipped"
        finally:
            swept.set()
        writer.result(20)
    assert store.sweep()["keyed"] == 0, "a head with an entry stays"
    assert entries.lookup("a") == 1
    assert_heads_count_their_rows()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("postgresql", "mysql")
def test_writers_and_sweeps_at_the_same_time_lose_nothing(store: OrmStore) -> None:
    """Collections that are empty again and again, with sweepers that do nothing but sweep."""
    done = Event()

    def use(writer: int) -> int:
        won = 0
        for number in range(ROUNDS):
            mine = open_keyed_store(f"of writer {writer}", store=store)
            assert mine.register_if_absent("a", number) is True
            assert mine.lookup("a", "lost") == number
            assert mine.consume("a", "lost") == number
            shared = open_keyed_store("shared", store=store)
            shared.register(f"{writer}", number)
            assert shared.consume(f"{writer}", "lost") == number
            won += open_keyed_store("claims", store=store).register_if_absent(f"{number}", writer)
        return won

    def sweep() -> int:
        swept = 0
        while not done.is_set():
            swept += store.sweep()["keyed"]
        return swept

    with other_threads() as call:
        sweepers = [call(sweep) for _ in range(SWEEPERS)]
        try:
            won = [writer.result(60) for writer in [call(use, writer) for writer in range(WRITERS)]]
        finally:
            done.set()
        swept = sum(sweeper.result(20) for sweeper in sweepers)
    assert sum(won) == ROUNDS, "every claim has exactly one winner"
    assert swept > 0, "sweeps took heads meanwhile"
    assert_heads_count_their_rows()
    assert open_keyed_store("claims", store=store).count() == ROUNDS
