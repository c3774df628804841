"""Keyed entries in Redis: a hash of texts per collection, and what orders them beside it."""

from collections.abc import Iterator
from typing import Any

from botstate.contracts.keyed import Admission, Collection, EntryAddress, EntryRow, Found, KeyedFacet
from botstate.stores.redis import keyed_scripts as scripts
from botstate.stores.redis.facet import RedisFacet, count
from botstate.stores.redis.link import text_of
from botstate.stores.redis.ordered_text import ordered, unordered


class RedisKeyed(RedisFacet, KeyedFacet):
    """Each method is one script; `update` is two, and two more each time that the entry was changed in between.

    Four keys to a collection, in one slot. None of them costs more in a larger collection but `entries`, and what
    `entries_in_range` lists or skips as expired; a lowered bound has the next write drop all that is too much.
    Expired entries go with later writes, 10 with each, and all at once where none of the collection's lives for ever.
    So those stay that share with what lives for ever a collection that is not written to any more.
    """

    def register(self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        return self._store(scripts.REGISTER, collection, address, text, ttl_us) == "stored"

    def register_if_absent(
        self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None
    ) -> Admission:
        return Admission(self._store(scripts.REGISTER_IF_ABSENT, collection, address, text, ttl_us))

    def find(self, collection: Collection, address: EntryAddress) -> Found | None:
        found = self._run(collection, scripts.FIND, ordered(address.key))
        if found is None:
            return None
        row, ends, now = map(text_of, found)
        return Found(*_text_and_times(row, ends), int(now))

    def find_many(self, collection: Collection, addresses: list[EntryAddress]) -> list[str | None]:
        rows = self._run(collection, scripts.FIND_MANY, *(ordered(address.key) for address in addresses))
        return [None if row is None else _text_and_times(text_of(row), "")[0] for row in rows]

    def consume(self, collection: Collection, address: EntryAddress) -> str | None:
        row = self._run(collection, scripts.TAKE, ordered(address.key), "")
        return None if row is None else _text_and_times(text_of(row), "")[0]

    def replace(
        self, collection: Collection, address: EntryAddress, expected: str, text: str, ttl_us: int | None
    ) -> bool:
        return self._store(scripts.REPLACE, collection, address, text, ttl_us, expected) == "stored"

    def delete_if(self, collection: Collection, address: EntryAddress, expected: str) -> bool:
        return self._run(collection, scripts.TAKE, ordered(address.key), expected) is not None

    def entries(self, collection: Collection) -> list[EntryRow]:
        return list(_listed(self._run(collection, scripts.ENTRIES)))

    def entries_in_range(
        self, collection: Collection, start: str | None, end: str | None, limit: int, descending: bool
    ) -> list[EntryRow]:
        lowest = "-" if start is None else f"[{ordered(start)}"
        highest = "+" if end is None else f"({ordered(end)}"
        ends = (highest, lowest, "REV") if descending else (lowest, highest, "")
        return list(_listed(self._run(collection, scripts.ENTRIES_IN_RANGE, *ends, limit)))

    def count(self, collection: Collection) -> int:
        return int(self._run(collection, scripts.COUNT))

    def clear(self, collection: Collection) -> int:
        return int(self._run(collection, scripts.CLEAR))

    def _store(
        self,
        lua: str,
        collection: Collection,
        address: EntryAddress,
        text: str,
        ttl_us: int | None,
        *more: str,
    ) -> str:
        ttl = "" if ttl_us is None else ttl_us
        most = "" if collection.max_entries is None else count(collection.max_entries)
        rejects = "1" if collection.rejects_new else ""
        return text_of(self._run(collection, lua, ordered(address.key), text, ttl, most, rejects, *more))

    def _run(self, collection: Collection, lua: str, *arguments: str | int) -> Any:
        key = f"{self._prefix}{collection.digest}}}"
        return self._link.run(lua, [key, f"{key}:order", f"{key}:expiry", f"{key}:names"], *arguments)


def _text_and_times(row: str, ends: str) -> tuple[str, int, int | None]:
    created, _, text = row.partition(" ")
    return text, int(created), int(ends) if ends else None


def _listed(answer: list[Any]) -> Iterator[EntryRow]:
    texts = map(text_of, answer)
    for key, row, ends in zip(texts, texts, texts, strict=True):
        yield EntryRow(unordered(key), *_text_and_times(row, ends))
