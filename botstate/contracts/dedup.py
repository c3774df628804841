"""The dedup facet: has this been seen, and claims for work that may fail."""

from abc import abstractmethod
from typing import Literal

from botstate.contracts.addresses import Address
from botstate.contracts.facet import Facet, blocking, is_token, new_token
from botstate.durations import to_microseconds
from botstate.types import Duration

DedupStatus = Literal["new", "claimed", "done"]


class DedupFacet(Facet):
    """What has been seen, per key. Every method is atomic across processes.

    A key is "new", "claimed" (a lease for work that may yet fail) or "done".
    key: 1 to 1,024 characters. Raises ValueError for a bad key or duration, StoreUnavailable.
    On the ORM store `seen` joins the caller's transaction (a concurrent `seen` waits for its outcome); claim, commit
    and release inside one raise StoreError.
    Source: CopilotKit's StateStore contract, `dedup.seen`; claims are botstate's.
    """

    name = "dedup"

    @blocking
    def seen(self, key: str, ttl: Duration) -> bool:
        """Record `key` for `ttl`; True if it was already done within its ttl, or is claimed by somebody.

        A repeat does not prolong the first one's ttl.
        """
        return self._seen(self._address(key), to_microseconds(ttl, "ttl"))

    @blocking
    def claim(self, key: str, lease: Duration) -> str | None:
        """Claim a new key for `lease` and return the token, or None when it is claimed or done."""
        token = new_token()
        return token if self._claim(self._address(key), token, to_microseconds(lease, "lease")) else None

    @blocking
    def commit(self, key: str, token: str, ttl: Duration) -> bool:
        """Turn the live claim of `token` into done for `ttl`; False when the claim is gone."""
        address, ttl_us = self._address(key), to_microseconds(ttl, "ttl")
        return is_token(token) and self._commit(address, token, ttl_us)

    @blocking
    def release(self, key: str, token: str) -> bool:
        """Give the live claim of `token` up, so that the key is new again; False when the claim is gone."""
        address = self._address(key)
        return is_token(token) and self._release(address, token)

    @blocking
    def check(self, key: str) -> DedupStatus:
        """Say what `key` is, and record nothing."""
        return self._check(self._address(key))

    async def aseen(self, key: str, ttl: Duration) -> bool:
        """Async twin of `seen`."""
        return await self._in_thread(self.seen, key, ttl)

    async def aclaim(self, key: str, lease: Duration) -> str | None:
        """Async twin of `claim`."""
        return await self._in_thread(self.claim, key, lease)

    async def acommit(self, key: str, token: str, ttl: Duration) -> bool:
        """Async twin of `commit`."""
        return await self._in_thread(self.commit, key, token, ttl)

    async def arelease(self, key: str, token: str) -> bool:
        """Async twin of `release`."""
        return await self._in_thread(self.release, key, token)

    async def acheck(self, key: str) -> DedupStatus:
        """Async twin of `check`."""
        return await self._in_thread(self.check, key)

    @abstractmethod
    def _seen(self, address: Address, ttl_us: int) -> bool: ...

    @abstractmethod
    def _claim(self, address: Address, token: str, lease_us: int) -> bool: ...

    @abstractmethod
    def _commit(self, address: Address, token: str, ttl_us: int) -> bool: ...

    @abstractmethod
    def _release(self, address: Address, token: str) -> bool: ...

    @abstractmethod
    def _check(self, address: Address) -> DedupStatus: ...
