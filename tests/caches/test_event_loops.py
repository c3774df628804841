"""Caches on an event loop."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation

from botstate.caches import MirroredCache
from tests.caches.faults import DownError, Faulty, Shelf
from tests.stores.waiting import until

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("switched_on")]

Make = Callable[..., MirroredCache]
Switch = Callable[..., None]


def failures(cache: MirroredCache) -> dict[str, int]:
    return cache.status().failures


def is_written(cache: MirroredCache) -> None:
    until(lambda: cache.status().waiting == 0, "everything is written")


def on_a_loop(call: Callable[[], Any]) -> Any:
    async def run() -> Any:
        return call()

    return asyncio.run(run())


def test_a_sync_call_on_an_event_loop_is_refused_before_it_does_anything(
    make_cache: Make, faulty: Faulty, switch: Switch
) -> None:
    cache = make_cache()
    cache.register("key", 1)
    calls = list(faulty.calls)
    for method, arguments in {
        "register": ("key", 2),
        "consume": ("key",),
        "delete": ("key",),
        "lookup": ("no",),
        "lookup_entry": ("no",),
    }.items():
        with pytest.raises(SynchronousOnlyOperation, match=f"use cache[.]a{method}$"):
            on_a_loop(lambda: getattr(cache, method)(*arguments))  # noqa: B023
    assert cache.peek("key") == 1
    assert faulty.calls == calls
    assert on_a_loop(lambda: (cache.lookup("key"), cache.lookup_entry("key"), cache.peek("no")))[0] == 1
    switch(False)
    on_a_loop(lambda: cache.register("key", 3))
    assert on_a_loop(lambda: (cache.lookup("no"), cache.consume("key"), cache.delete("key"))) == (None, 3, False)


def test_the_twins_do_not_block_the_loop(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    cache.register("key", 1)

    async def main() -> list[Any]:
        results = []
        for operation, start in {
            "register": lambda: cache.aregister("other", 1),
            "find": lambda: cache.alookup("missing", "default"),
            "consume": lambda: cache.aconsume("key"),
        }.items():
            hang = faulty.hang(operation)
            task = asyncio.ensure_future(start())
            await asyncio.to_thread(hang.until_reached)
            for _ in range(5):
                await asyncio.sleep(0)
            assert not task.done()
            hang.released.set()
            results.append(await task)
            faulty.recover()
        return results

    assert asyncio.run(main()) == [None, "default", 1]


def test_a_cancelled_task_leaves_its_call_to_the_store(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache()
    cache.register("consumed", 1)

    async def cancelled(start: Callable[[], Any], operation: str) -> None:
        hang = faulty.hang(operation)
        task = asyncio.ensure_future(start())
        await asyncio.to_thread(hang.until_reached)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        faulty.recover()
        hang.released.set()

    asyncio.run(cancelled(lambda: cache.aregister("key", 1), "register"))
    asyncio.run(cancelled(lambda: cache.aconsume("consumed"), "consume"))
    asyncio.run(cancelled(lambda: cache.alookup("missing"), "find"))
    is_written(cache)
    assert shelf.values() == {"key": "1"}
    assert failures(cache) == {}


@pytest.mark.usefixtures("quick_pauses")
def test_what_a_cancelled_task_could_not_write_is_written_later(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache()
    cache.register("key", 1)

    async def main() -> None:
        hang = faulty.hang("consume")
        task = asyncio.ensure_future(cache.aconsume("key"))
        await asyncio.to_thread(hang.until_reached)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        faulty.fail("consume")
        hang.error = DownError()
        hang.released.set()

    asyncio.run(main())
    until(lambda: failures(cache) != {}, "it has failed")
    faulty.recover()
    is_written(cache)
    assert shelf.values() == {}


def test_a_loop_that_ended_before_the_answer_is_no_error(
    make_cache: Make, faulty: Faulty, switch: Switch, caplog: pytest.LogCaptureFixture
) -> None:
    switch(TIMEOUT=0.05)
    cache = make_cache()
    hang = faulty.hang("register")
    asyncio.run(cache.aregister("key", 1))
    hang.release_and_join()
    assert [record.name for record in caplog.records] == ["botstate.caches"]
