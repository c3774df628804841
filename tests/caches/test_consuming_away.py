"""What is consumed and deleted while the store is left alone: what nobody got stays there."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from botstate.caches import MirroredCache
from tests.caches.faults import Faulty, Shelf
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


def left_alone(cache: MirroredCache, faulty: Faulty) -> None:
    """Let one call fail; the store is well again, and left alone for the rest of the test."""
    with faulty.away():
        cache.lookup("other")


def back(cache: MirroredCache) -> None:
    """End the pause, and write what waits."""
    mirror = cache._mirror()
    assert mirror is not None
    mirror.guard._paused_until = 0.0
    cache.lookup("other")
    until(lambda: cache.status().waiting == 0, "everything is written")


@pytest.mark.usefixtures("long_pauses")
def test_what_nobody_got_can_be_consumed_once_the_store_is_back(
    make_cache: Make, faulty: Faulty, shelf: Shelf, call: Any
) -> None:
    shelf.rows["key"] = ('"precious"', None)
    cache = make_cache()
    left_alone(cache, faulty)
    for _ in range(2):
        assert call(cache, "consume", "key", "default") == "default"
    assert cache.status().waiting == 0
    back(cache)
    assert shelf.values() == {"key": '"precious"'}
    assert call(cache, "consume", "key", "default") == "precious"
    assert call(cache, "consume", "key", "default") == "default"


@pytest.mark.usefixtures("long_pauses")
def test_it_pushes_nothing_out_that_waits(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache(max_entries=3)
    left_alone(cache, faulty)
    for key in "abc":
        cache.register(key, 1)
    for number in range(10):
        cache.consume(f"unknown {number}")
    assert (cache.status().waiting, cache.status().lost) == (3, 0)


@pytest.mark.usefixtures("long_pauses")
def test_what_is_deleted_is_deleted_once_the_store_is_back(
    make_cache: Make, faulty: Faulty, shelf: Shelf, call: Any
) -> None:
    shelf.rows["key"] = ("1", None)
    cache = make_cache()
    left_alone(cache, faulty)
    assert call(cache, "delete", "key") is False
    assert call(cache, "consume", "key") is None
    assert cache.status().waiting == 1
    back(cache)
    assert shelf.values() == {}


@pytest.mark.usefixtures("long_pauses")
@pytest.mark.parametrize("forgotten", [False, True])
def test_what_somebody_got_does_not_come_back(
    make_cache: Make, faulty: Faulty, shelf: Shelf, call: Any, forgotten: bool
) -> None:
    cache = make_cache()
    call(cache, "register", "key", "old")
    left_alone(cache, faulty)
    if forgotten:
        # Then it is found in what has yet to be written.
        call(cache, "register", "key", "new")
        cache.forget()
    assert call(cache, "consume", "key") == ("new" if forgotten else "old")
    assert call(cache, "consume", "key") is None
    assert cache.status().waiting == 1
    back(cache)
    assert shelf.values() == {}


@pytest.mark.usefixtures("long_pauses")
def test_what_the_store_may_have_given_is_not_left_there(
    make_cache: Make, faulty: Faulty, shelf: Shelf, switch: Switch
) -> None:
    switch(TIMEOUT=0.1)
    shelf.rows["key"] = ("1", None)
    cache = make_cache()
    hang = faulty.hang("consume", once=True)
    assert cache.consume("key", "default") == "default"
    assert cache.status().failures == {"Timeout": 1}
    assert cache.status().waiting == 1, "the call may have removed it, or be about to"
    hang.release_and_join()
    back(cache)
    assert shelf.values() == {}


@pytest.mark.usefixtures("long_pauses")
def test_a_call_that_waited_for_its_turn_and_was_never_made_removes_nothing(
    make_cache: Make, faulty: Faulty, shelf: Shelf, switch: Switch
) -> None:
    switch(TIMEOUT=0.3)
    shelf.rows["key"] = ("1", None)
    cache = make_cache()
    hang = faulty.hang("find", once=True)
    looking = threading.Thread(target=cache.lookup, args=("other",))
    looking.start()
    hang.until_reached()
    got: list[Any] = []
    consuming = threading.Thread(target=lambda: got.append(cache.consume("key", "default")))
    consuming.start()
    looking.join()
    consuming.join()
    assert got == ["default"]
    assert cache.status().waiting == 0
    assert "consume" not in faulty.calls
    hang.release_and_join()
    back(cache)
    assert cache.consume("key") == 1
