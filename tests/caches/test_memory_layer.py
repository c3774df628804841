"""A cache that is off: a bounded memory, and nothing else."""

import asyncio
import copy
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from botstate.caches import MirroredCache
from botstate.caches.memory import BoundedMemory, Kept
from botstate.exceptions import BadArgument, NotSerializable
from tests.caches.faults import Faulty

pytestmark = pytest.mark.once

Make = Callable[..., MirroredCache]


@pytest.fixture(params=[False, True], ids=["off", "on"])
def either(request: pytest.FixtureRequest, switch: Callable[..., None], make_cache: Make) -> MirroredCache:
    """A cache that is off, and one that is on."""
    switch(request.param, TIMEOUT=10)
    return make_cache()


def entry(value: Any = 1, ends_at: float | None = None) -> Kept:
    return Kept(value, datetime.now(UTC), None, ends_at)


def test_off_is_the_default_and_touches_no_store_and_no_thread(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    before = threading.active_count()
    cache.register("key", {"a": 1}, ttl=60)
    assert cache.lookup("key") == cache.peek("key") == {"a": 1}
    assert cache.lookup("missing", "default") == "default"
    assert cache.lookup_entry("missing") is None
    assert cache.consume("key") == {"a": 1}
    assert cache.consume("key", "gone") == "gone"
    cache.register("key", 2)
    assert cache.delete("key") is True
    assert cache.delete("key") is False
    assert not cache.is_persistent()
    assert faulty.calls == []
    assert threading.active_count() == before
    assert cache.status().failures == {}
    assert cache.close()


async def use_twins(cache: MirroredCache) -> None:
    await cache.aregister("key", 1)
    assert await cache.alookup("key") == 1
    assert (await cache.alookup_entry("key")).value == 1  # type: ignore[union-attr]
    assert await cache.aconsume("key") == 1
    assert await cache.aconsume("key", "gone") == "gone"
    await cache.aregister("key", 2)
    assert await cache.adelete("key") is True
    assert await cache.adelete("key") is False
    assert await cache.alookup("key", "default") == "default"
    assert await cache.alookup_entry("key") is None
    assert await cache.aclose()


def test_the_twins_do_the_same(either: MirroredCache) -> None:
    asyncio.run(use_twins(either))


def test_another_channel_stays_off(switch: Callable[..., None], faulty: Faulty) -> None:
    switch()
    cache = MirroredCache("another", "entries", max_entries=10, store=faulty)  # type: ignore[arg-type]
    cache.register("key", 1)
    assert cache.lookup("missing") is None
    assert faulty.calls == []


@pytest.mark.parametrize("value", [None, False, 0, "", "text", 1.5, [1, 2], {"a": 1}, {"a": [{"b": [1]}]}, [[]], {}])
def test_values_come_back_as_they_were_and_callers_cannot_change_them(either: MirroredCache, value: Any) -> None:
    cache = either

    def spoil(got: Any) -> None:
        if isinstance(got, dict):
            for item in got.values():
                spoil(item)
            got["spoilt"] = True
        elif isinstance(got, list):
            for item in got:
                spoil(item)
            got.append("spoilt")

    given = copy.deepcopy(value)
    cache.register("key", given)
    spoil(given)
    for read in (cache.peek, cache.lookup, lambda key: cache.lookup_entry(key).value):  # type: ignore[union-attr]
        got = read("key")
        assert got == value and type(got) is type(value)
        spoil(got)
    cache.forget()
    if cache.is_persistent():
        spoil(cache.lookup("key"))
        assert cache.peek("key") == value
        cache.forget()
        spoil(cache.lookup_entry("key").value)  # type: ignore[union-attr]
        assert cache.peek("key") == value
    cache.register("key", value)
    assert cache.consume("key", "default") == value


@pytest.mark.parametrize("value", [(1,), {1: 2}, {"a": {1}}, float("nan"), datetime.now(UTC), b"bytes"])
def test_what_is_no_json_is_refused_before_anything_is_written(
    either: MirroredCache, faulty: Faulty, value: Any
) -> None:
    either.register("key", "before")
    faulty.calls.clear()
    with pytest.raises(NotSerializable) as raised:
        either.register("key", value)
    assert raised.value.operation == "register"
    assert either.peek("key") == "before"
    assert faulty.calls == []


@pytest.mark.parametrize("key", ["", "x" * 1_025, "\ud800", None, 7, b"key", ["key"]])
def test_bad_keys_are_refused_on_or_off(either: MirroredCache, faulty: Faulty, key: Any) -> None:
    for name, call in {
        "register": lambda: either.register(key, 1),
        "lookup": lambda: either.lookup(key),
        "consume": lambda: either.consume(key),
        "delete": lambda: either.delete(key),
    }.items():
        with pytest.raises(BadArgument, match="key") as raised:
            call()
        assert raised.value.operation == name
    with pytest.raises(BadArgument, match="key"):
        either.lookup_entry(key)
    assert either.peek(key, "never there") == "never there"
    assert faulty.calls == []
    assert either.status().entries == 0


@pytest.mark.parametrize("ttl", [0, -1, "soon", "1w", float("inf")])
def test_bad_ttls_are_refused_on_or_off(either: MirroredCache, faulty: Faulty, ttl: Any) -> None:
    with pytest.raises(BadArgument, match="ttl"):
        either.register("key", 1, ttl=ttl)
    assert either.peek("key") is None
    assert faulty.calls == []


def test_a_value_that_is_too_long_is_refused_on_or_off(either: MirroredCache, faulty: Faulty) -> None:
    either.register("key", "x" * (1024 * 1024 - 2))
    calls = list(faulty.calls)
    with pytest.raises(BadArgument, match="at most 1048576 bytes"):
        either.register("key", "x" * (1024 * 1024 - 1))
    assert faulty.calls == calls
    assert len(either.peek("key")) == 1024 * 1024 - 2


@pytest.mark.parametrize(
    "options",
    [
        {"channel": ""},
        {"channel": "x" * 65},
        {"namespace": ""},
        {"max_entries": 0},
        {"max_entries": True},
        {"max_persisted": 0},
        {"ttl": 0},
    ],
)
def test_bad_options_are_refused_when_the_cache_is_made(options: dict[str, Any]) -> None:
    with pytest.raises(BadArgument):
        MirroredCache(**({"channel": "tests", "namespace": "entries", "max_entries": 10} | options))


def test_memory_stays_bounded_and_drops_what_was_written_longest_ago(either: MirroredCache) -> None:
    for number in range(1_000):
        either.register(f"key {number}", number)
        assert either.status().entries <= 100
    assert [either.peek(f"key {number}") for number in range(900, 1_000)] == list(range(900, 1_000))
    assert either.peek("key 899") is None
    either.register("key 900", "anew")
    either.register("one more", 1)
    assert either.peek("key 900") == "anew"
    assert either.peek("key 901") is None


def test_what_expired_is_gone(make_cache: Make) -> None:
    cache = make_cache(ttl="1h")
    cache.register("of the cache", 1)
    cache.register("of its own", 1, ttl="2h")
    found = cache.lookup_entry("of the cache")
    assert found is not None and found.expires_at == found.created_at + timedelta(hours=1)
    now = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: now + 3_601)
        for read in (cache.peek, cache.lookup, cache.lookup_entry, cache.consume):
            assert read("of the cache") is None
        assert cache.delete("of the cache") is False
        assert cache.peek("of its own") == 1
        patch.setattr(time, "monotonic", lambda: now + 7_201)
        assert cache.peek("of its own") is None


def test_what_expired_makes_room_first() -> None:
    memory = BoundedMemory(3)
    now = time.monotonic()
    memory.set("stays", entry())
    memory.set("renewed", entry(ends_at=now - 1))
    memory.set("expired", entry(ends_at=now - 1))
    memory.set("renewed", entry())
    memory.set("new", entry())
    assert [key for key in ("stays", "renewed", "new") if memory.get(key)] == ["stays", "renewed", "new"]
    memory.backfill("newer", entry(), memory.writes("newer"))
    assert memory.get("stays") is None, "nothing has expired any more"
    assert len(memory) == 3


def test_what_expires_costs_no_more_room_than_it_takes() -> None:
    memory = BoundedMemory(10)
    later = time.monotonic() + 1_000
    for number in range(1_000):
        memory.set(f"key {number % 20}", entry(ends_at=later + number))
        if number % 3 == 0:
            memory.pop(f"key {number % 20}")
    assert len(memory._kept._ends) <= 2 * 10 + 65
    assert list(memory._by_key) == list(memory._kept)
    memory.clear()
    assert (len(memory), memory.get("key 0"), memory._kept._ends) == (0, None, [])


def test_a_reader_is_not_disturbed_by_an_entry_that_goes_while_it_looks() -> None:
    memory = BoundedMemory(10)
    memory.set("key", entry())

    class Vanishing(dict[str, Kept]):
        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            if found:
                del self[str(key)]
            return found

    memory._by_key = Vanishing(memory._by_key)
    memory.get("key")
    memory.value("key")


def test_a_backfill_loses_to_a_write_of_its_key_and_not_to_others() -> None:
    memory = BoundedMemory(1_000)
    for change in (
        lambda: memory.set("key", entry("newer")),
        lambda: memory.pop("key"),
        memory.clear,
    ):
        writes = memory.writes("key")
        change()
        memory.backfill("key", entry("older"), writes)
        assert memory.value("key", "none") != "older"
    writes = memory.writes("key")
    others = [f"other {number}" for number in range(50)]
    different = [other for other in others if hash(other) % 256 != hash("key") % 256]
    for other in different:
        memory.set(other, entry())
    memory.backfill("key", entry("older"), writes)
    assert memory.value("key") == "older"


def test_threads_share_the_memory() -> None:
    memory = BoundedMemory(50)
    stop = threading.Event()
    wrong: list[BaseException] = []

    def use(number: int) -> None:
        try:
            count = 0
            while not stop.is_set():
                key = f"key {count % 80}"
                memory.set(key, entry([number]))
                memory.value(key)
                memory.get(key)
                memory.pop(key)
                assert len(memory) <= 50
                count += 1
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.django_db
def test_off_makes_not_one_query(make_cache: Make, django_assert_num_queries: Any) -> None:
    cache = make_cache(store="default")
    with django_assert_num_queries(0):
        cache.register("key", 1)
        cache.lookup("missing")
        cache.consume("key")
        cache.delete("key")
