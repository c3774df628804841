"""Locks of tasks that are cancelled while a thread is taking the lock."""

import asyncio
from threading import Event

import pytest
from asgiref.sync import async_to_sync

from botstate.contracts.addresses import Address
from botstate.stores import OrmStore
from botstate.stores.orm.locks import OrmLock


class SlowLock(OrmLock):
    """Takes the lock, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.taken, self.answers = Event(), Event()

    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        taken = super()._acquire(address, token, ttl_us)
        self.taken.set()
        assert self.answers.wait(20)
        return taken


async def cancelled_once_taken(task: "asyncio.Task[object]", lock: SlowLock) -> None:
    assert await asyncio.to_thread(lock.taken.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not lock.answers.is_set(), "whoever is cancelled does not wait for the database"
    lock.answers.set()


@pytest.mark.django_db
def test_an_acquire_that_is_cancelled_while_a_thread_takes_the_lock_gives_it_back() -> None:
    lock, store = SlowLock(), OrmStore()

    async def cancel() -> None:
        await cancelled_once_taken(asyncio.ensure_future(lock.aacquire("k", ttl=3_600)), lock)
        assert await store.lock.aacquire("k") is not None

    async_to_sync(cancel)()


@pytest.mark.django_db
def test_a_hold_that_is_cancelled_while_a_thread_takes_the_lock_gives_it_back() -> None:
    lock, store = SlowLock(), OrmStore()

    async def hold() -> None:
        async with lock.ahold("k", ttl=3_600):
            pytest.fail("it was cancelled before")

    async def cancel() -> None:
        await cancelled_once_taken(asyncio.ensure_future(hold()), lock)
        assert await store.lock.aacquire("k") is not None

    async_to_sync(cancel)()
