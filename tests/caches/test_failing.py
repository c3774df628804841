"""A store that fails on each operation, that hangs, and that comes back."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from botstate.caches import MirroredCache, executor, guard
from botstate.caches.guard import StoreFailedError, StoreGuard
from tests.caches.faults import DownError, Faulty, Shelf
from tests.stores.waiting import until

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("switched_on")]

Make = Callable[..., MirroredCache]
Switch = Callable[..., None]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Call a method of a cache, or its twin."""

    def call(cache: MirroredCache, method: str, *arguments: Any) -> Any:
        if request.param == "sync":
            return getattr(cache, method)(*arguments)
        return asyncio.run(getattr(cache, f"a{method}")(*arguments))

    return call


def failures(cache: MirroredCache) -> dict[str, int]:
    return cache.status().failures


def is_written(cache: MirroredCache) -> None:
    until(lambda: cache.status().waiting == 0, "everything is written")


@pytest.mark.usefixtures("long_pauses")
@pytest.mark.parametrize("error", [DownError, TimeoutError, SystemExit, ConnectionError])
def test_register_goes_on_in_memory(make_cache: Make, faulty: Faulty, shelf: Shelf, call: Any, error: Any) -> None:
    cache = make_cache()
    faulty.fail("register", error=error)
    call(cache, "register", "key", 1)
    assert call(cache, "lookup", "key") == cache.peek("key") == 1
    assert failures(cache) == {error.__name__: 1}
    assert cache.status().waiting == 1
    assert shelf.values() == {}


@pytest.mark.usefixtures("long_pauses")
@pytest.mark.parametrize("error", [DownError, TimeoutError, SystemExit])
def test_lookup_goes_on_in_memory(make_cache: Make, faulty: Faulty, call: Any, error: Any) -> None:
    cache = make_cache()
    faulty.fail("find", error=error)
    assert call(cache, "lookup", "key", "default") == "default"
    assert call(cache, "lookup_entry", "key") is None
    assert failures(cache) == {error.__name__: 1}
    assert faulty.calls == ["find"], "the store is left alone after that"


@pytest.mark.usefixtures("long_pauses")
@pytest.mark.parametrize("remove", ["consume", "delete"])
@pytest.mark.parametrize("error", [DownError, TimeoutError, SystemExit])
def test_removal_goes_on_in_memory(make_cache: Make, faulty: Faulty, call: Any, remove: str, error: Any) -> None:
    cache = make_cache()
    call(cache, "register", "key", 1)
    faulty.fail("consume", error=error)
    assert call(cache, remove, "key") == 1
    assert not call(cache, remove, "key")
    assert call(cache, "lookup", "key") is None, "the store still has it, which is known to be wrong"
    assert failures(cache) == {error.__name__: 1}


@pytest.mark.usefixtures("quick_pauses")
def test_what_was_written_and_removed_meanwhile_reaches_the_store_that_is_back(
    make_cache: Make, faulty: Faulty, shelf: Shelf, call: Any
) -> None:
    cache = make_cache()
    for key in ("consumed", "deleted", "changed", "left"):
        call(cache, "register", key, "old")
    with faulty.away():
        call(cache, "register", "new", [1])
        call(cache, "register", "changed", "new")
        assert call(cache, "consume", "consumed") == "old"
        assert call(cache, "delete", "deleted") is True
        call(cache, "register", "passing", 1)
        assert call(cache, "consume", "passing") == 1
        until(lambda: len(faulty.calls) > 20, "it has been tried again")
    is_written(cache)
    assert shelf.values() == {"left": '"old"', "changed": '"new"', "new": "[1]"}
    assert cache.status().lost == 0
    again = make_cache()
    assert [again.lookup(key) for key in ("consumed", "deleted", "passing", "new")] == [None, None, None, [1]]


@pytest.mark.usefixtures("long_pauses")
@pytest.mark.parametrize("method, operation", [("register", "register"), ("lookup", "find"), ("consume", "consume")])
def test_a_store_that_hangs_costs_one_timeout(  # noqa: PLR0917
    make_cache: Make, faulty: Faulty, switch: Switch, call: Any, method: str, operation: str
) -> None:
    switch(TIMEOUT=0.1)
    cache = make_cache()
    hang = faulty.hang(operation)
    begun = time.monotonic()
    call(cache, method, "key", *([1] if method == "register" else []))
    first = time.monotonic() - begun
    for number in range(20):
        cache.register(f"key {number}", number)
        cache.lookup("missing")
        cache.consume(f"key {number}")
    assert 0.09 < first < time.monotonic() - begun < 2
    assert failures(cache) == {"Timeout": 1}
    assert faulty.calls == [operation]
    hang.release_and_join()


@pytest.mark.usefixtures("long_pauses")
def test_many_callers_of_one_hang_are_one_failure_and_one_pause(
    make_cache: Make, faulty: Faulty, switch: Switch
) -> None:
    switch(TIMEOUT=0.3)
    cache = make_cache(max_entries=1_000)
    hang = faulty.hang()
    cache_threads = [threading.Thread(target=cache.lookup, args=(f"key {number}",)) for number in range(30)]
    begun = time.monotonic()
    for thread in cache_threads:
        thread.start()
    for thread in cache_threads:
        thread.join()
    assert time.monotonic() - begun < 3
    assert faulty.calls == ["find"]
    # Two may reach their timeouts in the same moment.
    assert 1 <= failures(cache)["Timeout"] <= 3
    hang.release_and_join()


def test_a_caller_that_waits_behind_others_does_not_leave_a_healthy_thread_behind(monkeypatch: Any) -> None:
    monkeypatch.setattr(executor.StoreExecutor, "busy_for", lambda self: 0.0)
    watched = StoreGuard("test", 0.05)
    release = threading.Event()
    running = watched.submit("first", lambda: release.wait(20) and "answer")
    waiting = watched.submit("second", lambda: "never called")
    with pytest.raises(StoreFailedError):
        watched.result("second", waiting)
    assert waiting.cancelled()
    assert watched.failures == {"Timeout": 1}
    release.set()
    assert watched.result("first", running) == "answer", "its thread was not given up"
    assert not watched.is_paused(), "the store has answered"
    assert watched.close(20)


def test_pauses_grow_to_a_bound_and_begin_anew(monkeypatch: Any) -> None:
    now = [1_000.0]
    monkeypatch.setattr(guard, "time", SimpleNamespace(monotonic=lambda: now[0]))
    watched = StoreGuard("test", 10)

    def pause_after(call: Callable[[], Any]) -> float:
        with suppress(StoreFailedError):
            watched.result("test", watched.submit("test", call))
        begun = now[0]
        while watched.is_paused():
            with pytest.raises(StoreFailedError):
                watched.submit("test", call)
            now[0] += 0.01
        return now[0] - begun

    def fail() -> None:
        raise DownError

    pauses = [pause_after(fail) for _ in range(10)]
    for number, pause in enumerate(pauses):
        full = min(60, 0.5 * 2**number)
        assert 0.75 * full <= pause <= full + 0.02
    assert pause_after(lambda: "answer") == 0
    assert pause_after(fail) <= 0.52
    assert watched.failures == {"DownError": 11}
    assert watched.close(20)


@pytest.mark.usefixtures("quick_pauses")
def test_each_kind_is_logged_once_and_no_value_or_key_is(
    make_cache: Make, faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    cache = make_cache()
    with caplog.at_level(logging.DEBUG):
        for error in (DownError, ConnectionError):
            faulty.fail(error=lambda error=error: error("secret"))  # type: ignore[misc]
            for number in range(5):
                cache.register(f"secret {number}", "secret")
            until(lambda: failures(cache).get(error.__name__, 0) > 3, "it has failed again and again")  # noqa: B023
        faulty.recover()
        is_written(cache)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("botstate")]
    assert len(messages) == 2
    assert all("tests:entries" in message for message in messages)
    assert "DownError" in messages[0] and "ConnectionError" in messages[1]
    assert not any("secret" in record.getMessage() or record.exc_info for record in caplog.records)


@pytest.mark.usefixtures("long_pauses")
def test_memory_and_journal_are_bounded_while_the_store_is_away(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache(max_entries=50)
    faulty.fail()
    for number in range(500):
        cache.register(f"key {number}", number)
        status = cache.status()
        assert status.entries <= 50 and status.waiting <= 50
    assert cache.status().lost == 450
    assert [cache.peek(f"key {number}") for number in range(450, 500)] == list(range(450, 500))


def test_what_waited_longest_is_lost_and_removals_last(
    make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any
) -> None:
    cache = make_cache(max_entries=10)
    cache.register("consumed", 1)
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 1_000)
    faulty.fail()
    assert cache.consume("consumed") == 1
    for number in range(20):
        cache.register(f"key {number}", number)
    assert (cache.status().waiting, cache.status().lost) == (10, 11)
    faulty.recover()
    assert cache.close(20)
    assert list(shelf.values()) == [f"key {number}" for number in range(11, 20)], "and not what was consumed"


def test_lost_entries_are_still_their_callers(make_cache: Make, faulty: Faulty, long_pauses: None) -> None:
    cache = make_cache(max_entries=3)
    faulty.fail()
    for key in "abcdef":
        cache.register(key, key)
    cache.forget()
    assert [cache.lookup(key) for key in "abcdef"] == [None, None, None, "d", "e", "f"], "what waits is found"
    assert cache.consume("d") == "d"
    assert cache.consume("d") is None


def test_calls_under_way_are_not_lost_however_small_the_cache(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache(max_entries=1)
    hang = faulty.hang("register")
    threads = [threading.Thread(target=cache.register, args=(f"key {number}", number)) for number in range(8)]
    for thread in threads:
        thread.start()
    hang.until_reached()
    until(lambda: cache.status().waiting == 8, "all wait for the store")
    hang.released.set()
    for thread in threads:
        thread.join()
    assert len(shelf.values()) == 8
    assert cache.status().lost == 0


def test_what_expires_while_it_waits_is_not_written(
    make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any
) -> None:
    cache = make_cache()
    cache.register("short", "old")
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 1_000)
    faulty.fail()
    cache.register("short", "new", ttl=0.05)
    cache.register("long", "new", ttl=100)
    until(lambda: cache.peek("short") is None, "it has expired")
    assert cache.lookup("short") is None
    assert cache.consume("short") is None
    cache.register("short", "new", ttl=0.05)
    until(lambda: cache.peek("short") is None, "it has expired")
    faulty.recover()
    assert cache.close(20)
    assert list(shelf.rows) == ["long"], "and what was there before is gone too"
    ttl_us = shelf.rows["long"][1]
    assert ttl_us is not None and 90_000_000 < ttl_us < 99_960_000, "the wait counts"


def test_a_long_list_of_writes_keeps_nobody_waiting(
    make_cache: Make, faulty: Faulty, shelf: Shelf, switch: Switch, monkeypatch: Any
) -> None:
    switch(TIMEOUT=1)
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 0.01)
    cache = make_cache(max_entries=200)
    shelf.rows["there"] = ("1", None)
    faulty.fail()
    for number in range(200):
        cache.register(f"key {number}", number)
    faulty.recover()
    # Together they take twice the timeout.
    faulty._before["register"] = lambda: time.sleep(0.01)
    until(lambda: cache.status().waiting < 190, "they are being written")
    while cache.status().waiting > 100:
        assert cache.lookup("there") == 1
        cache.forget()
    is_written(cache)
    assert "Timeout" not in failures(cache)
    assert len(shelf.rows) == 201


@pytest.mark.usefixtures("quick_pauses")
def test_one_entry_that_always_fails_does_not_keep_the_others(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache()
    with faulty.away():
        for key in ("bad", "good", "better"):
            cache.register(key, key)
    register = shelf.register

    def refuse(collection: Any, address: Any, *rest: Any) -> bool:
        if address.key == "bad":
            raise DownError
        return register(collection, address, *rest)

    shelf.register = refuse  # type: ignore[method-assign]
    until(lambda: sorted(shelf.rows) == ["better", "good"], "the others are written")
    assert cache.peek("bad") == "bad"
    shelf.register = register  # type: ignore[method-assign]
    is_written(cache)
