"""The keyed store."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar, get_args

from asgiref.sync import sync_to_async

from botstate.contracts.addresses import MAX_KEY_CHARACTERS, MAX_NAMESPACE_CHARACTERS, check_text
from botstate.contracts.facet import check_bound, optional_bound, value_of
from botstate.contracts.keyed import Admission, Collection, EntryAddress, KeyedFacet
from botstate.contracts.stores import StateStore
from botstate.durations import optional_microseconds
from botstate.exceptions import BotStateMisconfigured, LimitExceeded, shown
from botstate.keyed.changing import Change
from botstate.keyed.entries import Entry, FoundEntry
from botstate.keyed.operations import naming, operation, refuse_to_block
from botstate.stores import stores
from botstate.types import Duration, Json

Overflow = Literal["evict-oldest", "reject-new"]
Order = Literal["asc", "desc"]

#: The most keys of one `lookup_many`, and the most entries of one `entries_in_range`.
MAX_BATCH = 10_000
DEFAULT_RANGE_LIMIT = 100


P = ParamSpec("P")
R = TypeVar("R")


class KeyedStore:
    """JSON values by key; made by `open_keyed_store`. Every method is atomic across processes, and has an `a` twin.

    key: 1 to 1,024 characters. value: JSON, see `botstate.exact_json`, of at most the store's `max_value_bytes`
    (1 MiB) as text. ttl: a duration; None for the namespace's `default_ttl`. What expired is gone, swept or not.
    On the ORM store each call joins the caller's transaction on the store's database; writers of one namespace take
    turns there until they commit.
    Errors have a `code` and the `operation` that raised them: BadArgument, a ValueError, for a bad key, value or ttl,
    NotSerializable for what is not JSON, LimitExceeded, StoreUnavailable, ValueUnreadable for a row that was damaged.
    """

    def __init__(
        self,
        namespace: str,
        max_entries: int | None,
        default_ttl: Duration | None,
        overflow: Overflow,
        retained: bool,
        *,
        store: str | StateStore,
    ) -> None:
        check_text(namespace, "namespace", MAX_NAMESPACE_CHARACTERS)
        most = optional_bound(max_entries, "max_entries", 1)
        if overflow not in get_args(Overflow):
            raise ValueError(f"overflow must be 'evict-oldest' or 'reject-new', not {shown(overflow)}")
        self._default_ttl_us = optional_microseconds(default_ttl, "default_ttl")
        rejects_new = overflow == "reject-new"
        if retained and (max_entries is not None or default_ttl is not None or rejects_new):
            raise ValueError("a retained store takes no max_entries, default_ttl or overflow: nothing in it is dropped")
        if rejects_new and max_entries is None:
            raise ValueError("overflow='reject-new' needs max_entries")
        self.namespace = namespace
        self.max_entries = most
        self.retained = retained
        self._store = store
        self._rejects_new = rejects_new
        #: The collection by its facet: to name it takes as long as to name a key.
        self._named: tuple[KeyedFacet, Collection] | None = None

    def __repr__(self) -> str:
        return f"<KeyedStore {self.namespace!r}>"

    @operation
    def register(self, key: str, value: Json, ttl: Duration | None = None) -> None:
        """Store `value` as the newest entry, whatever was there: its place in the order and its expiry begin anew.

        Raises LimitExceeded where the entry is new to a full namespace that rejects new ones.
        """
        facet, collection, address = self._at(key)
        if not facet.register(collection, address, facet.text_of(value), self._ttl_us(ttl)):
            self._raise_full()

    @operation
    def register_if_absent(self, key: str, value: Json, ttl: Duration | None = None) -> bool:
        """Store `value` unless a live entry is there, which stays as it is; True if it was stored: a claim.

        Of many callers exactly one gets True. Raises LimitExceeded as `register` does.
        """
        facet, collection, address = self._at(key)
        admission = facet.register_if_absent(collection, address, facet.text_of(value), self._ttl_us(ttl))
        return self._admitted(admission)

    @operation
    def lookup(self, key: str, default: Json = None) -> Json:
        """Return the live value, else `default`. A stored None is a value."""
        facet, collection, address = self._at(key)
        found = facet.find(collection, address)
        return default if found is None else value_of(address.key, found.text)

    @operation
    def lookup_entry(self, key: str) -> FoundEntry | None:
        """Return the live entry with its times, and the time by the store's clock at which it was found, or None."""
        facet, collection, address = self._at(key)
        found = facet.find(collection, address)
        return None if found is None else FoundEntry.of(address.key, found)

    @operation
    def lookup_many(self, keys: Sequence[str], default: Json = None) -> list[Json]:
        """Return what `lookup` would for each of `keys`, in their order; at most 10,000. One statement."""
        if isinstance(keys, str | bytes) or not isinstance(keys, Sequence):
            raise ValueError(f"keys must be a list of keys, not {type(keys).__name__}")
        if len(keys) > MAX_BATCH:
            raise ValueError(f"lookup_many takes at most {MAX_BATCH} keys, not {len(keys)}")
        facet = self._facet()
        collection = self._collection(facet)
        addresses = [facet.entry_address(collection, key) for key in keys]
        texts = facet.find_many(collection, addresses) if addresses else []
        return [
            default if text is None else value_of(address.key, text)
            for address, text in zip(addresses, texts, strict=True)
        ]

    @operation
    def consume(self, key: str, default: Json = None) -> Json:
        """Return the live value and remove it, else `default`. Of many callers exactly one gets the value.

        One that cannot be read is gone as well: to look at it first would be one statement more for all others.
        """
        facet, collection, address = self._at(key)
        text = facet.consume(collection, address)
        return default if text is None else value_of(address.key, text)

    def update(self, key: str, fn: Callable[[Any], Any], ttl: Duration | None = None, default: Json = None) -> Json:
        """Replace the live value, or `default` where there is none, by `fn(value)`, and return what is there then.

        The entry is written as by `register`. `fn` is called again where others changed the value meanwhile, so it must
        have no effect of its own; it returns `UNCHANGED` to write nothing (then `default` is returned where nothing is
        there), and what it raises is raised. Raises LimitExceeded as `register` does.
        """
        refuse_to_block("update")
        with naming("update"):
            facet, collection, address = self._at(key)
            change = Change(fn, default, facet.text_of, address.key)
            if facet.update(collection, address, change, self._ttl_us(ttl)) is Admission.FULL:
                self._raise_full()
            if change.refused is not None:
                raise change.refused
        if change.raised is not None:
            raise change.raised
        return change.outcome

    @operation
    def compare_and_set(self, key: str, expected: Json, new: Json, ttl: Duration | None = None) -> bool:
        """Store `new` as `register` does if the live value equals `expected`; True if it did.

        Equal in value and in type, key order included: 1 is not 1.0. A key without a live entry equals nothing; for
        that there is `register_if_absent`.
        """
        facet, collection, address = self._at(key)
        return facet.replace(collection, address, facet.text_of(expected), facet.text_of(new), self._ttl_us(ttl))

    @operation
    def delete(self, key: str) -> bool:
        """Remove the entry; True if it was live."""
        facet, collection, address = self._at(key)
        return facet.consume(collection, address) is not None

    @operation
    def delete_if(self, key: str, expected: Json) -> bool:
        """Remove the live entry if its value equals `expected`, as in `compare_and_set`; True if it did."""
        facet, collection, address = self._at(key)
        return facet.delete_if(collection, address, facet.text_of(expected))

    @operation
    def entries(self) -> list[Entry]:
        """Return the live entries, in the order in which they were written, oldest first."""
        facet = self._facet()
        return [Entry.of_row(row) for row in facet.entries(self._collection(facet))]

    @operation
    def entries_in_range(
        self,
        start: str | None = None,
        end: str | None = None,
        limit: int = DEFAULT_RANGE_LIMIT,
        order: Order = "asc",
    ) -> list[Entry]:
        """Return the live entries with start <= key < end, by key; None is no bound on that side.

        Keys are in the order of their code points. limit: 1 to 10,000. order: "asc", or "desc" from the greatest key
        on. The next page begins at `last.key + "\\0"`; a descending one ends at `last.key`.
        """
        for name, key in (("start", start), ("end", end)):
            if key is not None:
                # The first key after one of 1,024 characters is a character longer.
                check_text(key, name, MAX_KEY_CHARACTERS + 1)
        most = check_bound(limit, "limit", 1)
        if most > MAX_BATCH:
            raise ValueError(f"limit must be at most {MAX_BATCH}, not {shown(limit)}")
        if order not in get_args(Order):
            raise ValueError(f"order must be 'asc' or 'desc', not {shown(order)}")
        facet = self._facet()
        rows = facet.entries_in_range(self._collection(facet), start, end, most, order == "desc")
        return [Entry.of_row(row) for row in rows]

    @operation
    def count(self) -> int:
        """Return how many live entries there are."""
        facet = self._facet()
        return facet.count(self._collection(facet))

    @operation
    def clear(self) -> int:
        """Remove every entry of the namespace; return how many of them were live."""
        facet = self._facet()
        return facet.clear(self._collection(facet))

    async def aregister(self, key: str, value: Json, ttl: Duration | None = None) -> None:
        """Async twin of `register`."""
        await _in_thread(self.register, key, value, ttl)

    async def aregister_if_absent(self, key: str, value: Json, ttl: Duration | None = None) -> bool:
        """Async twin of `register_if_absent`."""
        return await _in_thread(self.register_if_absent, key, value, ttl)

    async def alookup(self, key: str, default: Json = None) -> Json:
        """Async twin of `lookup`."""
        return await _in_thread(self.lookup, key, default)

    async def alookup_entry(self, key: str) -> FoundEntry | None:
        """Async twin of `lookup_entry`."""
        return await _in_thread(self.lookup_entry, key)

    async def alookup_many(self, keys: Sequence[str], default: Json = None) -> list[Json]:
        """Async twin of `lookup_many`."""
        return await _in_thread(self.lookup_many, keys, default)

    async def aconsume(self, key: str, default: Json = None) -> Json:
        """Async twin of `consume`."""
        return await _in_thread(self.consume, key, default)

    async def aupdate(
        self, key: str, fn: Callable[[Any], Any], ttl: Duration | None = None, default: Json = None
    ) -> Json:
        """Async twin of `update`; `fn` is a plain function, called in a thread."""
        return await _in_thread(self.update, key, fn, ttl, default)

    async def acompare_and_set(self, key: str, expected: Json, new: Json, ttl: Duration | None = None) -> bool:
        """Async twin of `compare_and_set`."""
        return await _in_thread(self.compare_and_set, key, expected, new, ttl)

    async def adelete(self, key: str) -> bool:
        """Async twin of `delete`."""
        return await _in_thread(self.delete, key)

    async def adelete_if(self, key: str, expected: Json) -> bool:
        """Async twin of `delete_if`."""
        return await _in_thread(self.delete_if, key, expected)

    async def aentries(self) -> list[Entry]:
        """Async twin of `entries`."""
        return await _in_thread(self.entries)

    async def aentries_in_range(
        self,
        start: str | None = None,
        end: str | None = None,
        limit: int = DEFAULT_RANGE_LIMIT,
        order: Order = "asc",
    ) -> list[Entry]:
        """Async twin of `entries_in_range`."""
        return await _in_thread(self.entries_in_range, start, end, limit, order)

    async def acount(self) -> int:
        """Async twin of `count`."""
        return await _in_thread(self.count)

    async def aclear(self) -> int:
        """Async twin of `clear`."""
        return await _in_thread(self.clear)

    def _facet(self) -> KeyedFacet:
        store = stores[self._store] if isinstance(self._store, str) else self._store
        if store.keyed is None:
            raise BotStateMisconfigured(f"the store {self._store!r} has no keyed entries")
        return store.keyed

    def _collection(self, facet: KeyedFacet) -> Collection:
        named = self._named
        if named is None or named[0] is not facet:
            collection = facet.collection(self.namespace, self.max_entries, self._rejects_new, self.retained)
            named = self._named = (facet, collection)
        return named[1]

    def _at(self, key: str) -> tuple[KeyedFacet, Collection, EntryAddress]:
        facet = self._facet()
        collection = self._collection(facet)
        return facet, collection, facet.entry_address(collection, key)

    def _ttl_us(self, ttl: Duration | None) -> int | None:
        if ttl is None:
            return self._default_ttl_us
        if self.retained:
            raise ValueError("an entry of a retained store takes no ttl")
        return optional_microseconds(ttl, "ttl")

    def _admitted(self, admission: Admission) -> bool:
        if admission is Admission.FULL:
            self._raise_full()
        return admission is Admission.STORED

    def _raise_full(self) -> NoReturn:
        raise LimitExceeded(f"the keyed store {self.namespace!r} is full: max_entries is {self.max_entries}")


async def _in_thread(method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await sync_to_async(method, thread_sensitive=True)(*args, **kwargs)
