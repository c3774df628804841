"""The kv facet: one value per key."""

from abc import abstractmethod

from botstate.contracts.addresses import Address
from botstate.contracts.facet import Facet, blocking, value_of
from botstate.durations import optional_microseconds
from botstate.types import Duration, Json


class KvFacet(Facet):
    """One JSON value per key, each with an optional time-to-live. Every method is atomic across processes.

    key: 1 to 1,024 characters. value: JSON, see `botstate.exact_json`. ttl: a duration, None for no expiry.
    Raises ValueError for a bad key or ttl, NotSerializable for a bad value, StoreUnavailable, ValueUnreadable.
    On the ORM store each call joins the caller's transaction on the store's database.
    Source: CopilotKit's StateStore contract, `kv`.
    """

    name = "kv"

    @blocking
    def get(self, key: str, default: Json = None) -> Json:
        """Return the live value of `key`, else `default`. A stored None is a value."""
        text = self._get(self._address(key))
        return default if text is None else value_of(key, text)

    @blocking
    def set(self, key: str, value: Json, ttl: Duration | None = None) -> None:
        """Store `value` in place of any earlier one; without `ttl` it never expires, whatever the earlier one did."""
        self._set(self._address(key), self._dumps(value), optional_microseconds(ttl, "ttl"))

    @blocking
    def delete(self, key: str) -> bool:
        """Remove `key`; True if it held a live value."""
        return self._delete(self._address(key))

    @blocking
    def consume(self, key: str, default: Json = None) -> Json:
        """Return the live value of `key` and remove it, else `default`. Of many callers exactly one gets the value."""
        text = self._consume(self._address(key))
        return default if text is None else value_of(key, text)

    async def aget(self, key: str, default: Json = None) -> Json:
        """Async twin of `get`."""
        return await self._in_thread(self.get, key, default)

    async def aset(self, key: str, value: Json, ttl: Duration | None = None) -> None:
        """Async twin of `set`."""
        await self._in_thread(self.set, key, value, ttl)

    async def adelete(self, key: str) -> bool:
        """Async twin of `delete`."""
        return await self._in_thread(self.delete, key)

    async def aconsume(self, key: str, default: Json = None) -> Json:
        """Async twin of `consume`."""
        return await self._in_thread(self.consume, key, default)

    @abstractmethod
    def _get(self, address: Address) -> str | None: ...

    @abstractmethod
    def _set(self, address: Address, text: str, ttl_us: int | None) -> None: ...

    @abstractmethod
    def _delete(self, address: Address) -> bool: ...

    @abstractmethod
    def _consume(self, address: Address) -> str | None: ...
