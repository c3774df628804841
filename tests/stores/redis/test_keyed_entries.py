"""Keyed entries in Redis: their bound and order, work that does not grow, and nothing left of what is gone."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django_redis import get_redis_connection

from botstate.exceptions import LimitExceeded, StoreError, StoreUnavailable
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import RedisStore
from tests.stores.beside_orm import assert_same_answers
from tests.stores.redis.clock import advance
from tests.stores.redis.monitor import monitored
from tests.stores.redis.server import ALIAS, Server, clean, keys_of

MANY = 2_500


def collection_of(store: RedisStore, name: str = "n", **options: Any) -> KeyedStore:
    return open_keyed_store(name, store=store, **options)


def keys_in(collection: KeyedStore) -> list[str]:
    return [entry.key for entry in collection.entries()]


def sizes(namespace: str) -> list[int]:
    """Return how many entries each of the collection's keys has, smallest first."""
    client = get_redis_connection(ALIAS)
    kinds = {b"hash": client.hlen, b"zset": client.zcard}
    return sorted(kinds[client.type(key)](key) for key in keys_of(namespace))


@pytest.mark.long
@pytest.mark.django_db
def test_redis_and_the_portable_path_give_the_same_answers(namespace: str) -> None:
    def make_store() -> RedisStore:
        clean(namespace)
        return RedisStore(ALIAS, namespace=namespace)

    assert_same_answers(make_store, lambda seconds: advance(namespace, seconds))


def test_an_update_is_two_round_trips(own_server: Server) -> None:
    collection = collection_of(RedisStore(ALIAS))
    for _ in range(2):
        collection.update("key", lambda value: [value])
    with monitored(own_server) as sent:
        sent()
        collection.update("key", lambda value: [value])
        assert len(sent()) == 2
        collection.update("new", lambda value: [value])
        assert len(sent()) == 2


def test_the_work_does_not_grow_with_the_collection(own_server: Server) -> None:
    calls: list[Callable[[KeyedStore], Any]] = [
        lambda each: each.register("new", 1, ttl=60),
        lambda each: each.register("new", 1),
        lambda each: each.register_if_absent("newer", 1),
        lambda each: each.compare_and_set("new", 1, 2),
        lambda each: each.lookup_entry("new"),
        lambda each: each.lookup_many(["new", "key 3"]),
        lambda each: each.entries_in_range("key", limit=3),
        lambda each: each.entries_in_range("key", limit=3, order="desc"),
        lambda each: each.count(),
        lambda each: each.consume("key 3"),
        lambda each: each.clear(),
    ]
    worked: dict[int, list[Counter[str]]] = {}
    longest = 0
    for size in (20, MANY):
        collection = collection_of(RedisStore(ALIAS), max_entries=size, default_ttl="1h")
        for number in range(size - 1):
            collection.register(f"key {number}", number)
        # With it the keys expire, so that no call has to say when anew because a second is over.
        collection.register("last", 1, ttl="1d")
        with monitored(own_server, scripts=True) as sent:
            worked[size] = []
            for call in calls:
                sent()
                call(collection)
                commands = sent()
                worked[size].append(Counter(command.split()[0].upper() for command in commands))
                longest = max(longest, *map(len, commands))
    assert worked[20] == worked[MANY]
    assert longest < 1_000, "no command is on many entries"


def test_the_bound_drops_the_oldest_and_first_what_expired(store: RedisStore, namespace: str) -> None:
    evicting = collection_of(store, "evicting", max_entries=3)
    rejecting = collection_of(store, "rejecting", max_entries=3, overflow="reject-new")
    for each in (evicting, rejecting):
        each.register("old", 1)
        each.register("middle", 1, ttl=10)
        each.register("young", 1)
    with pytest.raises(LimitExceeded):
        rejecting.register("new", 1)
    rejecting.register("young", 2)
    assert keys_in(rejecting) == ["old", "middle", "young"]
    advance(namespace, 10)
    for each in (evicting, rejecting):
        each.register("new", 1)
        assert keys_in(each) == ["old", "young", "new"]
    evicting.register("newer", 1)
    assert keys_in(evicting) == ["young", "new", "newer"]
    assert sizes(namespace) == [3] * 6, "nothing is left of what went, in any of the keys"


@pytest.mark.parametrize("overflow", ["evict-oldest", "reject-new"])
def test_many_that_expired_make_room_before_what_lives(store: RedisStore, namespace: str, overflow: Any) -> None:
    for number in range(33):
        collection_of(store).register(f"key {number}", 1, ttl=60 if number % 11 else None)
    advance(namespace, 60)
    collection = collection_of(store, max_entries=4, overflow=overflow)
    collection.register("new", 1)
    assert keys_in(collection) == ["key 0", "key 11", "key 22", "new"]
    assert max(sizes(namespace)) == 4


def test_an_entry_that_expired_among_many_is_new(store: RedisStore, namespace: str) -> None:
    collection_of(store).register("live", 1)
    for number in range(25):
        collection_of(store).register(f"key {number}", 1, ttl=60)
    advance(namespace, 60)
    full = collection_of(store, max_entries=1, overflow="reject-new")
    with pytest.raises(LimitExceeded):
        full.register("key 24", 2)
    assert full.update("live", lambda value: value + 1) == 2
    assert keys_in(full) == ["live"]


def test_many_entries_at_once(store: RedisStore, namespace: str) -> None:
    collection = collection_of(store)
    names = [f"key {number:04}" for number in range(MANY)]
    for name in names:
        collection.register(name, name)
    assert keys_in(collection) == names
    assert collection.lookup_many([*names[::-1], "never", *names[:3]]) == [*names[::-1], None, *names[:3]]
    assert [entry.key for entry in collection.entries_in_range(limit=10_000)] == names
    assert [entry.key for entry in collection.entries_in_range(limit=2_001, order="desc")] == names[:-2_002:-1]
    collection_of(store, max_entries=3).register("last", 1)
    assert keys_in(collection) == [*names[-2:], "last"], "a lowered bound holds from the next write on"
    assert sizes(namespace) == [3] * 3


def test_a_range_skips_what_expired(store: RedisStore, namespace: str) -> None:
    collection = collection_of(store)
    for number in range(MANY):
        collection.register(f"key {number:04}", number, ttl=None if number % 1_000 == 7 else 60)
    advance(namespace, 60)
    live = ["key 0007", "key 1007", "key 2007"]
    for limit in (1, 2, 3, 10_000):
        assert [entry.key for entry in collection.entries_in_range(limit=limit)] == live[:limit]
        assert [entry.key for entry in collection.entries_in_range(limit=limit, order="desc")] == live[::-1][:limit]
    assert [entry.key for entry in collection.entries_in_range("key 0008", "key 2007")] == live[1:2]
    assert collection.count() == 3 and keys_in(collection) == live
    assert collection.lookup_many(["key 0006", "key 0007"]) == [None, 7]
    assert collection.consume("key 0006") is None and collection.register_if_absent("key 0008", 1)
    assert collection.clear() == 4 and keys_of(namespace) == []


def test_expired_entries_go_with_later_writes(store: RedisStore, namespace: str) -> None:
    collection = collection_of(store)
    for number in range(25):
        collection.register(f"key {number}", 1, ttl=60)
    collection.register("key", 1)
    advance(namespace, 60)
    left = []
    for number in range(4):
        collection.register("key", number)
        left.append(sizes(namespace))
        assert collection.count() == 1
    assert left == [[15, 16, 16, 16], [5, 6, 6, 6], [1, 1, 1], [1, 1, 1]]


def test_the_keys_expire_with_the_last_entry_where_all_do(store: RedisStore, namespace: str) -> None:
    client = get_redis_connection(ALIAS)
    collection = collection_of(store)

    def ends_at(entry: str) -> bool:
        """True if all keys expire within a second after the entry."""
        found = collection.lookup_entry(entry)
        ends = {client.pexpiretime(key) for key in keys_of(namespace)}
        assert found is not None and found.expires_at is not None and len(ends) == 1
        return 0 <= ends.pop() / 1_000 - found.expires_at.timestamp() <= 1

    def never_end() -> bool:
        return {client.pexpiretime(key) for key in keys_of(namespace)} == {-1}

    collection.register("hour", 1, ttl="1h")
    assert ends_at("hour")
    collection.register("minute", 1, ttl="1m")
    assert ends_at("hour")
    collection.register("day", 1, ttl="1d")
    assert ends_at("day")
    collection.register("ever", 1)
    assert never_end()
    assert collection.consume("day")
    assert never_end()
    assert collection.delete_if("ever", 1)
    assert ends_at("hour")
    collection.register("hour", 1)
    assert never_end()
    collection_of(store, max_entries=1).register("second", 1, ttl="2m")
    assert ends_at("second")
    advance(namespace, 122)
    assert keys_of(namespace) == []


def test_nothing_is_left_of_an_empty_collection(store: RedisStore, namespace: str) -> None:
    ways: list[Callable[[KeyedStore], Any]] = [
        lambda each: each.consume("key"),
        lambda each: each.delete("key"),
        lambda each: each.delete_if("key", 1),
        lambda each: each.clear(),
    ]
    for ttl in (None, 60):
        for way in ways:
            collection = collection_of(store)
            collection.register("key", 1, ttl=ttl)
            way(collection)
            assert keys_of(namespace) == []
    empty = collection_of(store)
    assert empty.entries() == empty.entries_in_range() == [] and empty.count() == empty.clear() == 0
    assert not empty.delete("key") and not empty.compare_and_set("key", 1, 2)
    assert keys_of(namespace) == []


def test_the_servers_clock_decides(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = collection_of(store)
    now = time.time()
    with monkeypatch.context() as late:
        late.setattr(time, "time", lambda: now + 3600)
        late.setattr(time, "time_ns", lambda: int((now + 3600) * 1e9))
        seen: list[datetime] = []
        # On a busy machine an entry may be gone before it is looked for.
        while not seen:
            collection.register("key", 1, ttl="20ms")
            while found := collection.lookup_entry("key"):
                assert found.expires_at is not None
                assert found.expires_at - found.created_at == timedelta(milliseconds=20)
                assert found.created_at <= found.found_at < found.expires_at, "never late, to the microsecond"
                seen.append(found.found_at)
    assert seen == sorted(seen)
    assert abs(seen[0].timestamp() - now) < 60


@pytest.fixture
def full_server(own_server: Server) -> Iterator[RedisStore]:
    """A store with one entry, on a server that takes no more."""
    store = RedisStore(ALIAS)
    collection_of(store).register("key", 1)
    client = get_redis_connection(ALIAS)
    client.config_set("maxmemory", 1)
    yield store
    client.config_set("maxmemory", 0)


def test_a_server_without_memory_is_a_store_error_and_nothing_is_written(full_server: RedisStore) -> None:
    collection = collection_of(full_server, max_entries=1)
    for write in (
        lambda: collection.register("new", 1),
        lambda: collection.register_if_absent("new", 1),
        lambda: collection.compare_and_set("key", 1, 2),
    ):
        with pytest.raises(StoreError) as told:
            write()
        assert not isinstance(told.value, StoreUnavailable)
    assert collection.lookup("key") == 1 and collection.count() == 1
    assert [entry.key for entry in collection.entries_in_range()] == ["key"]


@pytest.mark.parametrize("part", ["}", ":order", ":names", ":expiry"])
def test_an_evicted_part_of_a_collection_breaks_nothing(store: RedisStore, namespace: str, part: str) -> None:
    collection = collection_of(store, max_entries=3)
    for number in range(3):
        collection.register(f"key {number}", number, ttl=60)
    get_redis_connection(ALIAS).delete(*[key for key in keys_of(namespace) if key.endswith(part.encode())])
    for read in (collection.entries, collection.entries_in_range, collection.count, lambda: collection.lookup("key 0")):
        read()
    collection.update("key 0", lambda value: [value])
    assert collection.lookup("key 0") in ([None], [0])
    for number in range(3):
        collection.register(f"new {number}", number, ttl=60)
    assert keys_in(collection) == ["new 0", "new 1", "new 2"]
    assert collection.count() == len(collection.entries_in_range()) == 3
    assert sizes(namespace) == [3] * 4


def test_scripts_survive_a_flush(own_server: Server) -> None:
    collection = collection_of(RedisStore(ALIAS))
    client = get_redis_connection(ALIAS)
    for value in range(3):
        assert collection.update("key", lambda value: (value or 0) + 1) == value + 1
        client.script_flush()
    assert collection.consume("key") == 3


def test_what_was_acknowledged_survives_kill_9_with_an_append_only_file(durable_server: Server) -> None:
    store = RedisStore(ALIAS)
    collection = collection_of(store, max_entries=3)
    for number in range(5):
        collection.register(f"\U0001f600 {number}", number, ttl="1h")
    before = collection.entries()
    durable_server.kill()
    with pytest.raises(StoreUnavailable):
        collection.count()
    durable_server.start()
    assert collection.entries() == before
    assert [entry.value for entry in before] == [2, 3, 4]
    collection.register("new", 1)
    assert keys_in(collection) == ["\U0001f600 3", "\U0001f600 4", "new"]
