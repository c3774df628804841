"""In which order a store that is back gets what it missed, and what is lost where that is too much."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from botstate.caches import InboundDedup, MirroredCache, guard
from botstate.caches.endings import Endings
from botstate.keyed import open_keyed_store
from botstate.stores import MemoryStore
from tests.caches.away import FickleStore
from tests.caches.faults import DownError, Faulty, Shelf
from tests.stores.waiting import until

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("switched_on")]

Make = Callable[..., MirroredCache]


def let_alone(guarded: Any, monkeypatch: Any) -> None:
    """Let the next failure begin a pause that lasts, so that the store does not come back amid two calls."""
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 1_000)
    monkeypatch.setattr(guard, "MAX_PAUSE_S", 1_000)
    until(lambda: guarded.guard._paused_until > time.monotonic() + 100, "it is left alone")


def refuse(shelf: Shelf, *keys: str) -> Callable[[], None]:
    """Let the registration of these keys fail, until what is returned is called."""
    register = shelf.register

    def refusing(collection: Any, address: Any, *rest: Any) -> bool:
        if address.key in keys:
            raise DownError
        return register(collection, address, *rest)

    def end() -> None:
        shelf.register = register  # type: ignore[method-assign]

    shelf.register = refusing  # type: ignore[method-assign]
    return end


@pytest.mark.usefixtures("quick_pauses")
@pytest.mark.parametrize("failing", [(), ("register",)], ids=["all", "register alone"])
@pytest.mark.parametrize("tries", [1, 2, 3, 4, 9])
def test_it_is_written_in_the_order_of_registration(  # noqa: PLR0917
    make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any, failing: tuple[str, ...], tries: int
) -> None:
    cache = make_cache(max_entries=5)
    faulty.fail(*failing)
    for number in range(5):
        cache.register(f"key {number}", number)
    until(lambda: len(faulty.calls) > 5 + 2 * tries, "it has been tried again")
    let_alone(cache._mirror(), monkeypatch)
    faulty.recover()
    assert cache.close(20)
    assert list(shelf.rows) == [f"key {number}" for number in range(5)]


@pytest.mark.usefixtures("quick_pauses")
def test_the_newest_survive_in_a_store_that_holds_fewer(make_cache: Make, monkeypatch: Any) -> None:
    store = MemoryStore()
    assert store.keyed is not None
    faulty = Faulty(store.keyed)
    cache = make_cache(max_entries=5, max_persisted=2, store=faulty)
    faulty.fail()
    for number in range(5):
        cache.register(f"key {number}", number)
    until(lambda: len(faulty.calls) > 12, "it has been tried again")
    let_alone(cache._mirror(), monkeypatch)
    faulty.recover()
    assert cache.close(20)
    assert [entry.key for entry in open_keyed_store("entries", store=store).entries()] == ["key 3", "key 4"]


@pytest.mark.usefixtures("quick_pauses")
def test_what_was_tried_in_vain_does_not_get_younger(
    make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any
) -> None:
    cache = make_cache(max_entries=5)
    faulty.fail()
    for number in range(5):
        cache.register(f"key {number}", number)
    until(lambda: len(faulty.calls) > 10, "it has been tried again")
    let_alone(cache._mirror(), monkeypatch)
    cache.register("key 5", 5)
    cache.register("key 6", 6)
    faulty.recover()
    assert cache.close(20)
    assert list(shelf.rows) == [f"key {number}" for number in range(2, 7)]
    assert cache.status().lost == 2


@pytest.mark.usefixtures("quick_pauses")
def test_some_that_fail_by_themselves_do_not_keep_the_others(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache()
    bad, good = ["bad 0", "bad 1", "bad 2"], ["good 0", "good 1", "good 2"]
    end = refuse(shelf, *bad)
    with faulty.away():
        for key in bad + good:
            cache.register(key, key)
    until(lambda: sorted(shelf.rows) == good, "the others are written")
    cache.register("late", 1)
    until(lambda: "late" in shelf.rows, "a later one is written too")
    assert cache.status().waiting == 3
    end()
    until(lambda: cache.status().waiting == 0, "everything is written")
    assert sorted(shelf.rows) == [*bad, *good, "late"]


@pytest.mark.usefixtures("quick_pauses")
def test_how_claims_ended_is_told_in_order(make_dedup: Callable[..., InboundDedup], monkeypatch: Any) -> None:
    store = FickleStore(MemoryStore())
    dedup = make_dedup(store=store)
    tokens = {key: dedup.claim(key) for key in "abcde"}
    store.fickle.mode = "down"
    for key, token in tokens.items():
        assert token and dedup.commit(key, token)
    until(lambda: store.fickle.calls["_commit"] > 15, "it has been tried again")
    let_alone(dedup._mirror, monkeypatch)
    commit, told = store.fickle._commit, []

    def noted(address: Any, token: str, ttl_us: int) -> bool:
        if store.fickle.mode == "well":
            told.append(token)
        return commit(address, token, ttl_us)

    store.fickle._commit = noted  # type: ignore[method-assign]
    store.fickle.mode = "well"
    assert dedup.close(20)
    assert told == list(tokens.values())


def test_what_was_told_in_vain_is_lost_first_nevertheless() -> None:
    endings = Endings(3)
    for key in "abc":
        endings.add(key, "token", commits=True, is_done=True, lasts_s=100)
    first = endings.oldest(())
    assert first is not None and first[0] == "a"
    assert endings.oldest({"a", "b"}) == ("c", endings.get("c"))
    endings.add("d", "token", commits=True, is_done=True, lasts_s=100)
    assert [key for key in "abcd" if endings.get(key)] == ["b", "c", "d"]
