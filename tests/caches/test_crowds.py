"""More calls at once than a cache lets wait for its store, which is healthy."""

import asyncio
from collections.abc import Callable

import pytest

from botstate.caches import MirroredCache, executor
from tests.caches.faults import Faulty, Shelf
from tests.stores.waiting import until

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("switched_on", "long_pauses")]

Make = Callable[..., MirroredCache]

CALLS = executor.MAX_WAITING + 500


def test_only_what_is_too_much_goes_without_the_store(make_cache: Make, faulty: Faulty, shelf: Shelf) -> None:
    cache = make_cache(max_entries=CALLS)

    async def main() -> None:
        hang = faulty.hang("register", once=True)
        first = asyncio.ensure_future(cache.aregister("first", 0))
        await asyncio.to_thread(hang.until_reached)
        tasks = [asyncio.ensure_future(cache.aregister(str(number), number)) for number in range(CALLS)]
        await asyncio.sleep(0)
        assert sum(task.done() for task in tasks) == 500, "they do not wait"
        hang.released.set()
        await asyncio.gather(first, *tasks)

    asyncio.run(main())
    until(lambda: cache.status().waiting == 0, "the others are written behind them")
    assert len(shelf.rows) == CALLS + 1
    assert cache.status().failures == {"OverloadedError": 500}
    assert cache.status().lost == 0


def test_lookups_that_are_too_many_find_nothing_and_later_ones_do(
    make_cache: Make, faulty: Faulty, shelf: Shelf
) -> None:
    shelf.rows |= {str(number): (str(number), None) for number in range(CALLS)}
    cache = make_cache(max_entries=CALLS)

    async def look(key: str) -> object:
        return await cache.alookup(key)

    async def main() -> list[object]:
        hang = faulty.hang("find", once=True)
        first = asyncio.ensure_future(look("0"))
        await asyncio.to_thread(hang.until_reached)
        tasks = [asyncio.ensure_future(look(str(number))) for number in range(1, CALLS)]
        await asyncio.sleep(0)
        hang.released.set()
        return list(await asyncio.gather(first, *tasks))

    found = asyncio.run(main())
    assert found == [*range(executor.MAX_WAITING + 1), *[None] * 499]
    assert cache.lookup(str(CALLS - 1)) == CALLS - 1, "the store is not left alone"
    assert cache.status().failures == {"OverloadedError": 499}
