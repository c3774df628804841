"""Calls that were given up and take effect later, and changes that meet: what was consumed stays consumed."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from botstate.caches import MirroredCache, executor, guard
from tests.caches.faults import DownError, Faulty, Hang, Shelf
from tests.stores.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.once, pytest.mark.usefixtures("switched_on", "quick_pauses")]

Make = Callable[..., MirroredCache]


@contextmanager
def impatient(cache: MirroredCache) -> Iterator[None]:
    """Give calls up soon; else they have all the time that a busy machine may need."""
    mirror = cache._mirror()
    assert mirror is not None
    mirror.guard._timeout_s = 0.03
    yield
    mirror.guard._timeout_s = 10


@pytest.fixture(params=[False, True], ids=["not done yet", "done already"])
def done(request: pytest.FixtureRequest) -> bool:
    """Whether the call that hangs had its effect before."""
    return bool(request.param)


def hung(faulty: Faulty, operation: str, method: Any, *arguments: Any, done: bool = False) -> tuple[Hang, Any]:
    """Call a cache's method, which is given up; later calls of the operation work. Return what it gave."""
    hang = faulty.hang(operation, done=done, once=True)
    with impatient(method.__self__):
        result = method(*arguments)
    assert hang.threads and not hang.released.is_set()
    return hang, result


def settled(cache: MirroredCache) -> None:
    until(lambda: cache.status().waiting == 0, "everything is written")


def test_what_was_written_late_is_there(make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool) -> None:
    cache = make_cache()
    hang, _ = hung(faulty, "register", cache.register, "key", 1, done=done)
    settled(cache)
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {"key": "1"}
    assert cache.consume("key") == 1
    assert shelf.values() == {}


def test_what_was_consumed_does_not_come_back_with_a_late_write(
    make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool
) -> None:
    cache = make_cache()
    hang, _ = hung(faulty, "register", cache.register, "key", 1, done=done)
    until(lambda: not cache.status().waiting, "the store is back")
    assert cache.consume("key") == 1
    settled(cache)
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {}
    assert make_cache().lookup("key") is None


def test_nor_when_the_store_is_still_away_by_then(make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool) -> None:
    cache = make_cache()
    hang, _ = hung(faulty, "register", cache.register, "key", 1, done=done)
    faulty.fail()
    assert cache.consume("key") == 1
    hang.release_and_join()
    assert cache.lookup("key") is None
    faulty.recover()
    settled(cache)
    assert shelf.values() == {}


def test_a_late_write_does_not_replace_a_newer_one(make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool) -> None:
    cache = make_cache()
    hang, _ = hung(faulty, "register", cache.register, "key", "old", done=done)
    settled(cache)
    cache.register("key", "new")
    settled(cache)
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {"key": '"new"'}
    assert make_cache().lookup("key") == cache.peek("key") == "new"


def test_a_late_removal_does_not_remove_a_newer_entry(
    make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool
) -> None:
    cache = make_cache()
    cache.register("key", "old")
    settled(cache)
    hang, value = hung(faulty, "consume", cache.consume, "key", done=done)
    assert value == "old"
    cache.register("key", "new")
    settled(cache)
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {"key": '"new"'}
    assert cache.consume("key") == "new"
    assert cache.consume("key") is None


def test_a_late_removal_brings_nothing_back_that_another_process_consumed(
    make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool
) -> None:
    cache = make_cache()
    cache.register("key", "old")
    settled(cache)
    hang, _ = hung(faulty, "consume", cache.consume, "key", done=done)
    cache.register("key", "new")
    settled(cache)
    assert make_cache().consume("key") == "new"
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {}


def test_a_removal_that_hangs_does_not_touch_what_is_registered_meanwhile(
    make_cache: Make, faulty: Faulty, shelf: Shelf
) -> None:
    cache = make_cache()
    cache.register("key", "old")
    settled(cache)
    hang = faulty.hang("consume", once=True)
    got: list[Any] = []
    mirror = cache._mirror()
    assert mirror is not None
    mirror.guard._timeout_s = 0.3
    consumer = threading.Thread(target=lambda: got.append(cache.consume("key")))
    consumer.start()
    hang.until_reached()
    registering = threading.Thread(target=cache.register, args=("key", "new"))
    registering.start()
    until(lambda: cache.peek("key") == "new", "it is in memory")
    consumer.join()
    registering.join()
    mirror.guard._timeout_s = 10
    hang.release_and_join()
    settled(cache)
    assert got == ["old"]
    assert cache.peek("key") == "new"
    assert shelf.values() == {"key": '"new"'}


def test_a_value_is_consumed_once_whether_its_write_was_seen_or_not(
    make_cache: Make, faulty: Faulty, shelf: Shelf, done: bool
) -> None:
    cache = make_cache()
    hang, _ = hung(faulty, "register", cache.register, "key", 1, done=done)
    faulty.fail()
    got = [cache.consume("key"), cache.consume("key")]
    faulty.recover()
    hang.release_and_join()
    settled(cache)
    assert got == [1, None]
    assert cache.consume("key") is None
    assert shelf.values() == {}


def test_a_lookup_that_was_given_up_fills_nothing_in(make_cache: Make, faulty: Faulty) -> None:
    make_cache().register("key", 1)
    cache = make_cache()
    hang, value = hung(faulty, "find", cache.lookup, "key", "default")
    assert value == "default"
    hang.release_and_join()
    assert cache.peek("key") is None
    until(lambda: cache.lookup("key") == 1, "the store is back")


def test_a_lookup_that_met_a_removal_fills_nothing_in(make_cache: Make, faulty: Faulty) -> None:
    make_cache().register("key", 1)
    cache = make_cache()
    hang = faulty.hang("find", done=True)
    looking = threading.Thread(target=cache.lookup, args=("key",))
    looking.start()
    hang.until_reached()
    removing = threading.Thread(target=cache.consume, args=("key",))
    removing.start()
    until(lambda: cache.status().waiting == 1, "the removal waits behind it")
    hang.released.set()
    looking.join()
    removing.join()
    assert cache.peek("key") is None
    assert cache.lookup("key") is None


def test_changes_of_one_key_reach_the_store_in_the_order_of_memory(
    make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any
) -> None:
    """One thread stops between memory and store, where another one passes it if it can."""
    cache = make_cache()
    cache.register("key", "first")
    between, go_on = threading.Event(), threading.Event()
    submit = guard.StoreGuard.submit

    def slow(self: Any, operation: str, call: Any) -> Any:
        if threading.current_thread().name == "slow":
            between.set()
            go_on.wait(0.2)
        return submit(self, operation, call)

    monkeypatch.setattr(guard.StoreGuard, "submit", slow)
    for change in (lambda: cache.register("key", "slow"), lambda: cache.consume("key")):
        between.clear()
        thread = threading.Thread(target=change, name="slow")
        thread.start()
        assert between.wait(20)
        cache.register("key", "fast")
        thread.join()
        assert (cache.peek("key"), shelf.values()) == ("fast", {"key": '"fast"'})


def overloaded(cache: MirroredCache, threads_before: int) -> bool:
    """Use a cache once more; True if it has given up to start threads."""
    cache.register("key", 1)
    assert threading.active_count() - threads_before <= executor.MAX_ABANDONED + 1
    return "OverloadedError" in cache.status().failures


def test_many_hangs_are_bounded_and_end(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache()
    before = threading.active_count()
    hang = faulty.hang()
    with impatient(cache):
        until(lambda: overloaded(cache, before), "no more threads are started")
    status = cache.status()
    assert status.failures["Timeout"] >= executor.MAX_ABANDONED
    assert status.failures["OverloadedError"] >= 1
    assert len(hang.threads) == executor.MAX_ABANDONED
    faulty.recover()
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {"key": "1"}
    assert cache.close(20)
    until(lambda: threading.active_count() <= before, "no thread is left")


def test_what_waits_is_written_when_a_hang_ends_and_nobody_calls(
    make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any
) -> None:
    monkeypatch.setattr(executor, "MAX_ABANDONED", 1)
    cache = make_cache()
    hang, _ = hung(faulty, "register", cache.register, "key", 1)
    cache.register("other", 2)
    hang.release_and_join()
    settled(cache)
    assert shelf.values() == {"key": "1", "other": "2"}


def test_no_thread_can_be_started(make_cache: Make, faulty: Faulty, shelf: Shelf, monkeypatch: Any) -> None:
    cache = make_cache()

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(3):
            cache.register("key", 1)
            assert cache.lookup("key") == 1
            assert cache.lookup("missing") is None
            assert cache.consume("key") == 1
            cache.register("key", 1)
            until(lambda: not cache._opened[1].guard.is_paused(), "the pause is over")  # type: ignore[index]
    assert set(cache.status().failures) == {"RuntimeError"}
    assert faulty.calls == []
    cache.lookup("missing")
    settled(cache)
    assert shelf.values() == {"key": "1"}, "and what was given up is not done late"


def test_an_async_call_that_is_given_up_and_cancelled_at_once(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    hang = faulty.hang("register", once=True)

    async def main() -> None:
        tasks = [asyncio.ensure_future(cache.aregister(f"key {number}", 1)) for number in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1:] == [None] * 4

    with impatient(cache):
        asyncio.run(main())
    hang.release_and_join()
    settled(cache)


def test_a_log_handler_may_use_the_cache(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    faulty.fail(error=DownError)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            cache.register("logged", 1)

    handler = Handler()
    guard.logger.addHandler(handler)
    try:
        cache.register("key", 1)
    finally:
        guard.logger.removeHandler(handler)
    assert cache.peek("logged") == 1
