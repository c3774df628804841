"""The list facet: an append-only list per key, capped from its old end."""

from abc import abstractmethod

from botstate.contracts.addresses import Address
from botstate.contracts.facet import Facet, blocking, check_bound, optional_bound, values_of
from botstate.durations import optional_microseconds
from botstate.types import Duration, Json


class ListFacet(Facet):
    """A list of JSON values per key, oldest first; it expires as a whole. Every method is atomic across processes.

    key: 1 to 1,024 characters. Raises ValueError for a bad key, index or bound, NotSerializable for a bad value,
    StoreUnavailable, ValueUnreadable. An empty list does not exist and has no expiry.
    On the ORM store each call joins the caller's transaction on the store's database.
    Source: CopilotKit's StateStore contract, `list`.
    """

    name = "list"

    @blocking
    def append(self, key: str, value: Json, max_len: int | None = None, ttl: Duration | None = None) -> int:
        """Add `value` at the new end and return the new length.

        max_len: at least 1; the oldest items are dropped until no more than this many are left.
        ttl: sets the expiry of the whole list; None keeps the one it has. Appending to an expired list starts
        a fresh one.
        """
        most = optional_bound(max_len, "max_len", 1)
        return self._append(self._address(key), self._dumps(value), most, optional_microseconds(ttl, "ttl"))

    @blocking
    def range(self, key: str, start: int = 0, stop: int | None = None) -> list[Json]:
        """Return the items from index `start` to `stop`, both included and at least 0; None is the newest."""
        first, last = check_bound(start, "start", 0), optional_bound(stop, "stop", 0)
        return values_of(key, self._range(self._address(key), first, last))

    @blocking
    def trim(self, key: str, max_len: int) -> None:
        """Keep the newest `max_len` items (at least 0) and drop the older ones."""
        most = check_bound(max_len, "max_len", 0)
        self._trim(self._address(key), most)

    @blocking
    def delete(self, key: str) -> bool:
        """Remove the list; True if it held live items."""
        return self._delete(self._address(key))

    async def aappend(self, key: str, value: Json, max_len: int | None = None, ttl: Duration | None = None) -> int:
        """Async twin of `append`."""
        return await self._in_thread(self.append, key, value, max_len, ttl)

    async def arange(self, key: str, start: int = 0, stop: int | None = None) -> list[Json]:
        """Async twin of `range`."""
        return await self._in_thread(self.range, key, start, stop)

    async def atrim(self, key: str, max_len: int) -> None:
        """Async twin of `trim`."""
        await self._in_thread(self.trim, key, max_len)

    async def adelete(self, key: str) -> bool:
        """Async twin of `delete`."""
        return await self._in_thread(self.delete, key)

    @abstractmethod
    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int: ...

    @abstractmethod
    def _range(self, address: Address, start: int, stop: int | None) -> list[str] | list[bytes]:
        """Return the items' texts, as bytes or several in one, with commas between, where the server gives them so."""

    @abstractmethod
    def _trim(self, address: Address, max_len: int) -> None: ...

    @abstractmethod
    def _delete(self, address: Address) -> bool: ...
