"""A cache that is on, on every store that has keyed entries: what is written where, and what a restart leaves."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from botstate.caches import MirroredCache
from botstate.contracts.stores import StateStore
from botstate.exceptions import NotSerializable
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import OrmStore
from tests.caches.faults import Faulty
from tests.stores.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("switched_on")]

Make = Callable[..., MirroredCache]


@pytest.fixture
def faulty(store: StateStore) -> Faulty:
    """The store, with its calls counted."""
    assert store.keyed is not None
    return Faulty(store.keyed)


@pytest.fixture
def keyed(store: StateStore) -> KeyedStore:
    """What is behind the cache."""
    return open_keyed_store("entries", store=store)


def found(cache: MirroredCache, key: str) -> Any:
    entry = cache.lookup_entry(key)
    assert entry is not None
    return entry


def test_register_writes_memory_and_store(make_cache: Make, keyed: KeyedStore) -> None:
    cache = make_cache()
    cache.register("key", {"a": [1, None, "é\x00"]})
    assert cache.peek("key") == keyed.lookup("key") == {"a": [1, None, "é\x00"]}
    cache.register("key", None, ttl="1h")
    entry = keyed.lookup_entry("key")
    assert entry is not None and entry.value is None and entry.expires_at is not None
    assert timedelta(minutes=59) < entry.expires_at - entry.created_at <= timedelta(hours=1)
    assert cache.status().waiting == cache.status().lost == 0


def test_a_restart_pays_the_store_once_per_key(make_cache: Make, faulty: Faulty) -> None:
    make_cache().register("key", [1])
    cache = make_cache()
    faulty.calls.clear()
    assert cache.peek("key") is None
    assert faulty.calls == []
    for _ in range(5):
        assert cache.lookup("key") == [1]
        assert cache.peek("key") == [1]
        assert found(cache, "key").value == [1]
    assert faulty.calls == ["find"]


def test_a_hot_path_pays_once_while_other_keys_are_written(make_cache: Make, faulty: Faulty) -> None:
    make_cache().register("key", 1)
    cache = make_cache()
    hang = faulty.hang("find")
    with_lookup = threading.Thread(target=cache.lookup, args=("key",))
    with_lookup.start()
    hang.until_reached()
    other = next(name for name in map(str, range(100)) if hash(name) % 256 != hash("key") % 256)
    writer = threading.Thread(target=cache.register, args=(other, 2))
    writer.start()
    until(lambda: cache.peek(other) == 2, "the other key is written")
    faulty.release()
    for thread in (with_lookup, writer):
        thread.join()
    assert cache.peek("key") == 1


def test_the_original_times_come_back(make_cache: Make, keyed: KeyedStore) -> None:
    make_cache(ttl="1h").register("key", 1)
    stored = keyed.lookup_entry("key")
    cache = make_cache()
    assert stored is not None
    for _ in range(2):
        entry = found(cache, "key")
        assert (entry.created_at, entry.expires_at) == (stored.created_at, stored.expires_at)


def test_what_expires_in_the_store_expires_in_memory(make_cache: Make) -> None:
    make_cache().register("key", 1, ttl=0.4)
    cache = make_cache()
    assert cache.lookup("key") in (1, None)
    until(lambda: cache.peek("key") is None, "it has expired in memory")
    # The clocks of this process and of the store need not run alike to the microsecond.
    until(lambda: cache.lookup("key") is None, "and in the store")
    assert cache.consume("key") is None


def test_what_is_not_there_is_not_there(make_cache: Make) -> None:
    cache = make_cache()
    assert cache.lookup("key", "default") == "default"
    assert cache.lookup_entry("key") is None
    assert cache.consume("key", "default") == "default"
    assert cache.delete("key") is False


@pytest.mark.parametrize("remove", ["consume", "delete"])
def test_what_was_removed_does_not_come_back_after_a_restart(make_cache: Make, keyed: KeyedStore, remove: str) -> None:
    cache = make_cache()
    cache.register("key", 1)
    assert getattr(cache, remove)("key") == 1
    assert cache.peek("key") is cache.lookup("key") is None
    assert keyed.lookup("key") is None
    again = make_cache()
    assert again.lookup("key") is None
    assert not getattr(again, remove)("key")


@pytest.mark.parametrize("remove", ["consume", "delete"])
def test_what_is_in_the_store_alone_is_removed_there(make_cache: Make, keyed: KeyedStore, remove: str) -> None:
    keyed.register("key", 1)
    cache = make_cache()
    assert getattr(cache, remove)("key") == 1
    assert keyed.lookup("key") is None


def test_a_none_can_be_consumed(make_cache: Make) -> None:
    cache = make_cache()
    cache.register("key", None)
    assert cache.lookup("key", "default") is None
    cache.forget()
    assert cache.lookup("key", "default") is None
    assert cache.consume("key", "default") is None
    assert cache.consume("key", "default") == "default"


def test_another_process_has_what_was_consumed_in_memory_and_does_not_get_it(make_cache: Make) -> None:
    one, other = make_cache(), make_cache()
    one.register("key", 1)
    assert other.lookup("key") == 1
    assert one.consume("key") == 1
    assert other.peek("key") == 1, "a process's memory is its own"
    assert other.consume("key", "gone") == "gone"
    assert other.peek("key") is None


def test_peek_never_touches_the_store(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    cache.register("key", 1)
    faulty.calls.clear()
    assert cache.peek("key") == 1
    assert cache.peek("missing", "default") == "default"
    cache.forget()
    assert cache.peek("key") is None
    assert faulty.calls == []


def test_memory_and_store_are_bounded(make_cache: Make, keyed: KeyedStore) -> None:
    cache = make_cache(max_entries=5, max_persisted=8)
    for number in range(50):
        cache.register(f"key {number}", number)
        assert cache.status().entries <= 5
    assert keyed.count() == 8
    assert cache.peek("key 44") is None
    assert cache.lookup("key 44") == 44
    assert cache.status().entries == 5
    assert cache.lookup("key 41") is None


async def use_twins(cache: MirroredCache, keyed: KeyedStore, faulty: Faulty) -> None:
    await cache.aregister("key", [1], ttl="1h")
    assert await keyed.alookup("key") == [1]
    cache.forget()
    faulty.calls.clear()
    entries: list[Any] = [await cache.alookup_entry("key") for _ in range(2)]
    assert [(entry.value, entry.created_at) for entry in entries if entry] == [([1], entries[0].created_at)] * 2
    assert await cache.alookup("key") == [1]
    assert faulty.calls == ["find"]
    assert await cache.aconsume("key", "gone") == [1]
    assert await cache.aconsume("key", "gone") == "gone"
    assert await keyed.alookup("key") is None
    await cache.aregister("key", 2)
    assert await cache.adelete("key") is True
    assert await cache.adelete("key") is False
    assert await cache.alookup("key", "default") == "default"


def test_the_twins_do_the_same(make_cache: Make, keyed: KeyedStore, faulty: Faulty) -> None:
    cache = make_cache()
    async_to_sync(use_twins)(cache, keyed, faulty)


def test_a_failure_of_the_callers_makes_no_difference_to_the_store(make_cache: Make, keyed: KeyedStore) -> None:
    cache = make_cache()
    cache.register("key", 1)
    for value, error in ((object(), NotSerializable), ("x" * 2**21, ValueError)):
        with pytest.raises(error):
            cache.register("key", value)
    assert keyed.lookup("key") == cache.peek("key") == 1


def test_a_value_that_the_store_alone_refuses_stays_in_memory(make_cache: Make) -> None:
    cache = make_cache(store=OrmStore(max_value_bytes=10))
    keyed = open_keyed_store("entries")
    cache.register("key", "old")
    cache.register("key", "x" * 20)
    assert cache.peek("key") == "x" * 20
    assert keyed.lookup("key") is None, "what was there before does not come back"
    status = cache.status()
    assert (status.lost, status.waiting, status.failures) == (1, 0, {"BadArgument": 1})
    cache.register("other", 1)
    assert keyed.lookup("other") == 1, "the store is not left alone for it"
    assert cache.consume("key") == "x" * 20


class Undo(Exception):
    """Raised to roll a transaction back."""


@pytest.mark.needs("postgresql", "mysql")
def test_the_callers_transaction_is_not_joined(make_cache: Make, keyed: KeyedStore) -> None:
    cache = make_cache()
    with pytest.raises(Undo), transaction.atomic():
        cache.register("key", 1)
        raise Undo
    assert cache.peek("key") == keyed.lookup("key") == 1
    with pytest.raises(Undo), transaction.atomic():
        assert cache.consume("key") == 1
        raise Undo
    assert keyed.lookup("key") is None


def test_the_callers_connection_is_not_used(make_cache: Make) -> None:
    cache = make_cache()
    with CaptureQueriesContext(connection) as queries:
        cache.register("key", 1)
        cache.forget()
        assert cache.lookup("key") == 1
        assert cache.consume("key") == 1
    assert len(queries) == 0


def test_of_many_threads_one_consumes(make_cache: Make) -> None:
    caches = [make_cache() for _ in range(3)]
    for round_ in range(5):
        caches[0].register("key", round_)
        for cache in caches:
            assert cache.lookup("key") == round_
        start = threading.Barrier(9)
        got: list[Any] = []

        def consume(cache: MirroredCache, start: threading.Barrier = start, got: list[Any] = got) -> None:
            start.wait()
            got.append(cache.consume("key", "gone"))

        threads = [threading.Thread(target=consume, args=(caches[number % 3],)) for number in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(str, got)) == sorted([str(round_)] + ["gone"] * 8)


def test_whatever_threads_do_memory_and_store_agree_in_the_end(make_cache: Make, keyed: KeyedStore) -> None:
    cache = make_cache()
    keys = ["a", "b", "c"]
    consumed: list[Any] = []

    def use(number: int) -> None:
        for count in range(15):
            key = keys[(number + count) % 3]
            if (number + count) % 4 == 0:
                consumed.append(cache.consume(key))
            elif (number + count) % 7 == 0:
                cache.delete(key)
            else:
                cache.register(key, [number, count])
                cache.lookup(key)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key: cache.peek(key) for key in keys} == {key: keyed.lookup(key) for key in keys}
    taken = [tuple(value) for value in consumed if value is not None]
    assert len(taken) == len(set(taken)), "a value was given out twice"
    assert cache.status().waiting == 0
