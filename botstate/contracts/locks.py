"""The lock facet: a lease per key, with a fencing number."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, TypeVar

from botstate.contracts.addresses import Address
from botstate.contracts.facet import Facet, blocking, is_token, new_token
from botstate.durations import to_microseconds
from botstate.exceptions import LockHeld
from botstate.types import Duration

DEFAULT_LOCK_TTL = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lock:
    """A lease on `key`. `fence` grows with every holder; `expires_at` (aware, the store's clock) is for display."""

    key: str
    token: str
    fence: int
    expires_at: datetime


class LockFacet(Facet):
    """A lease per key: it frees itself after its time-to-live. Every method is atomic across processes.

    key: 1 to 1,024 characters. ttl: a duration, measured by the store's clock.
    Raises ValueError for a bad key or ttl, StoreUnavailable. On the ORM store a call inside the caller's transaction
    raises StoreError, because nobody else could see the lease.
    Source: CopilotKit's StateStore contract, `lock`; extend, hold, force_release and fences are botstate's.
    """

    name = "lock"

    @blocking
    def acquire(self, key: str, ttl: Duration = DEFAULT_LOCK_TTL) -> Lock | None:
        """Take the lock on `key`, or return None while another token holds it. Never waits for the holder.

        Returns a Lock whose fence is greater than that of every earlier holder of this key.
        """
        return self._taken(key, new_token(), ttl)

    @blocking
    @contextmanager
    def hold(self, key: str, ttl: Duration = DEFAULT_LOCK_TTL) -> Iterator[Lock]:
        """Hold the lock for the length of a with block. Raises LockHeld where `acquire` returns None."""
        lock = self.acquire(key, ttl)
        if lock is None:
            raise LockHeld(f"another token holds the lock on {key!r:.100}")
        try:
            yield lock
        finally:
            self.release(key, lock.token)

    @blocking
    def release(self, key: str, token: str) -> bool:
        """Free the lock if `token` still holds it; True if it did. A stale token frees nothing."""
        address = self._address(key)
        return is_token(token) and self._release(address, token)

    @blocking
    def extend(self, key: str, token: str, ttl: Duration) -> bool:
        """Let the lease end `ttl` from now if `token` still holds it; True if it did. An expired one stays expired."""
        address, ttl_us = self._address(key), to_microseconds(ttl, "ttl")
        return is_token(token) and self._extend(address, token, ttl_us)

    @blocking
    def force_release(self, key: str) -> bool:
        """Free the lock whoever holds it; True if somebody did. For operators."""
        return self._force_release(self._address(key))

    async def aacquire(self, key: str, ttl: Duration = DEFAULT_LOCK_TTL) -> Lock | None:
        """Async twin of `acquire`. Whoever is cancelled does not wait for it, and the lock is given back."""
        token, is_taken, is_unwanted = new_token(), Event(), Event()
        try:
            return await self._in_thread(self._take, key, token, ttl, is_taken, is_unwanted)
        except asyncio.CancelledError:
            is_unwanted.set()
            if is_taken.is_set():
                # Where that fails, the lease ends by itself.
                with suppress(Exception):
                    await _carried_out(self.arelease(key, token))
            raise

    @asynccontextmanager
    async def ahold(self, key: str, ttl: Duration = DEFAULT_LOCK_TTL) -> AsyncIterator[Lock]:
        """Async twin of `hold`. The lock is freed however often the task is cancelled."""
        lock = await self.aacquire(key, ttl)
        if lock is None:
            raise LockHeld(f"another token holds the lock on {key!r:.100}")
        try:
            yield lock
        finally:
            await _carried_out(self.arelease(key, lock.token))

    async def arelease(self, key: str, token: str) -> bool:
        """Async twin of `release`."""
        return await self._in_thread(self.release, key, token)

    async def aextend(self, key: str, token: str, ttl: Duration) -> bool:
        """Async twin of `extend`."""
        return await self._in_thread(self.extend, key, token, ttl)

    async def aforce_release(self, key: str) -> bool:
        """Async twin of `force_release`."""
        return await self._in_thread(self.force_release, key)

    def _taken(self, key: str, token: str, ttl: Duration) -> Lock | None:
        taken = self._acquire(self._address(key), token, to_microseconds(ttl, "ttl"))
        if taken is None:
            return None
        fence, expires_us = taken
        return Lock(key, token, fence, _EPOCH + timedelta(microseconds=expires_us))

    @blocking
    def _take(self, key: str, token: str, ttl: Duration, is_taken: Event, is_unwanted: Event) -> Lock | None:
        """`acquire` in a thread whose caller may be gone when it ends. Set first, look then: so do both sides."""
        lock = self._taken(key, token, ttl)
        is_taken.set()
        if is_unwanted.is_set():
            self.release(key, token)
        return lock

    @abstractmethod
    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        """Return (fence, expiry in microseconds since 1970), or None."""

    @abstractmethod
    def _release(self, address: Address, token: str) -> bool: ...

    @abstractmethod
    def _extend(self, address: Address, token: str, ttl_us: int) -> bool: ...

    @abstractmethod
    def _force_release(self, address: Address) -> bool: ...


async def _carried_out(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end, even where the caller is cancelled meanwhile; that is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        # Else asyncio logs an error of it as one that nobody saw.
        task.exception()
    raise cancelled
