# ruff: noqa: S101
"""A task that is cancelled around a lock leaves it free."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from threading import Event

from asgiref.sync import async_to_sync, sync_to_async

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase

#: How many turns of the event loop a task is given before it is cancelled: less and more than it needs to the block.
TURNS = range(8)


class CancellationConformance(ConformanceBase):
    """aacquire and ahold, cancelled at any moment. What is then carried out in a thread is ahead of the next call."""

    def test_a_cancelled_acquire_leaves_the_lock_free(self, store: StateStore, key: str) -> None:
        async def cancel(turns: int) -> None:
            mine = f"{key}:{turns}"
            task = asyncio.ensure_future(store.lock.aacquire(mine, ttl=self.long))
            await _pass(turns)
            if task.cancel():
                await _end(task)
                assert await store.lock.aacquire(mine), f"acquire, cancelled after {turns} turns, must hold nothing"

        for turns in TURNS:
            async_to_sync(cancel)(turns)

    def test_a_cancelled_hold_leaves_the_lock_free(self, store: StateStore, key: str) -> None:
        async def cancel(turns: int) -> None:
            mine = f"{key}:{turns}"
            task = asyncio.ensure_future(_hold(store, mine, self.long))
            await _pass(turns)
            task.cancel()
            await _end(task)
            assert await store.lock.aacquire(mine), f"hold, cancelled after {turns} turns, must hold nothing"

        for turns in TURNS:
            async_to_sync(cancel)(turns)

    def test_a_hold_that_times_out_leaves_the_lock_free(self, store: StateStore, key: str) -> None:
        async def time_out(seconds: float) -> None:
            mine = f"{key}:{seconds}"
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await _hold(store, mine, self.long)
            assert await store.lock.aacquire(mine), f"hold that timed out after {seconds} s must hold nothing"

        for seconds in (0, 0.0001, 0.0003, 0.001, 0.02):
            async_to_sync(time_out)(seconds)

    def test_a_hold_that_is_cancelled_again_while_it_ends_leaves_the_lock_free(
        self, store: StateStore, key: str
    ) -> None:
        async def cancel(turns: int) -> None:
            mine, inside, others_done = f"{key}:{turns}", asyncio.Event(), Event()
            task = asyncio.ensure_future(_hold(store, mine, self.long, inside))
            await inside.wait()
            # The thread that the release needs is busy with something else.
            other = asyncio.ensure_future(sync_to_async(others_done.wait, thread_sensitive=True)(20))
            await _pass(2)
            task.cancel()
            await _pass(turns)
            task.cancel()
            await _pass(2)
            others_done.set()
            await _end(task)
            await other
            assert await store.lock.aacquire(mine), f"hold, cancelled again after {turns} turns, must hold nothing"

        for turns in TURNS:
            async_to_sync(cancel)(turns)


async def _hold(store: StateStore, key: str, ttl: float, inside: asyncio.Event | None = None) -> None:
    async with store.lock.ahold(key, ttl=ttl):
        if inside is not None:
            inside.set()
        await asyncio.Event().wait()


async def _pass(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def _end(task: Awaitable[object]) -> None:
    """Await a task that was cancelled."""
    with suppress(asyncio.CancelledError):
        await task
