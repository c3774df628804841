"""Keyed entries in memory."""

from bisect import bisect_left, insort
from collections import OrderedDict

from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.contracts.keyed import Admission, Collection, EntryAddress, EntryRow, Found, KeyedFacet
from botstate.stores.memory.facet import MemoryFacet
from botstate.stores.memory.room import Entry, Room


class Shelf:
    """One collection; it is there for as long as it has items."""

    __slots__ = ("_digest", "_rows", "items", "keys")

    def __init__(self, rows: "dict[str, Shelf]", digest: str) -> None:
        self._rows = rows
        self._digest = digest
        #: By key, in the order in which they were written. A plain dict finds its first ever more slowly.
        self.items: OrderedDict[str, Item] = OrderedDict()
        #: Sorted, from the first time that they are asked for by range: keeping them so costs each write the more, the
        #: larger the collection is. Python compares text by its code points.
        self.keys: list[str] | None = None

    def add(self, item: "Item") -> None:
        """Let `item` be the newest; its key is new."""
        self.items[item.key] = item
        if self.keys is not None:
            insort(self.keys, item.key)

    def discard(self, item: "Item") -> None:
        """Forget `item`. An empty collection does not exist."""
        del self.items[item.key]
        if self.keys is not None:
            del self.keys[bisect_left(self.keys, item.key)]
        if not self.items:
            del self._rows[self._digest]

    def oldest(self) -> "Item":
        """Return what was written longest ago."""
        return next(iter(self.items.values()))

    def between(self, start: str | None, end: str | None, limit: int, descending: bool) -> list[str]:
        """Return the first `limit` keys with start <= key < end; None is no bound."""
        if self.keys is None:
            self.keys = sorted(self.items)
        first = 0 if start is None else bisect_left(self.keys, start)
        last = len(self.keys) if end is None else bisect_left(self.keys, end)
        if descending:
            return self.keys[max(first, last - limit) : last][::-1]
        return self.keys[first : min(first + limit, last)]


class Item(Entry):
    """One entry of a collection. Its alarm is its expiry."""

    __slots__ = ("_shelf", "created_us", "expires_us", "key", "text")

    def __init__(self, shelf: Shelf, key: str) -> None:
        super().__init__()
        self._shelf = shelf
        self.key = key
        self.text = ""
        self.created_us = 0
        self.expires_us: int | None = None

    def drop(self, room: Room) -> None:
        self._shelf.discard(self)

    def remove(self, room: Room) -> None:
        """Leave the room and the collection."""
        room.remove(self)
        self.drop(room)

    def as_row(self) -> EntryRow:
        """Return what callers are told of it."""
        return EntryRow(self.key, self.text, self.created_us, self.expires_us)


class MemoryKeyed(MemoryFacet, KeyedFacet):
    """Shelves by the collection's digest. What has expired has left its shelf, so whatever is there is live.

    Atomic across threads. Entries fill the room as all else does: its bound drops the oldest of them, retained or not.
    """

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(room, namespace, max_value_bytes)
        self._rows: dict[str, Shelf] = {}

    def register(self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        with self._room as now_us:
            return self._store(collection, address, text, now_us, ttl_us)

    def register_if_absent(
        self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None
    ) -> Admission:
        with self._room as now_us:
            if self._item(collection, address) is not None:
                return Admission.PRESENT
            is_stored = self._store(collection, address, text, now_us, ttl_us)
            return Admission.STORED if is_stored else Admission.FULL

    def find(self, collection: Collection, address: EntryAddress) -> Found | None:
        with self._room as now_us:
            item = self._item(collection, address)
            return None if item is None else Found(item.text, item.created_us, item.expires_us, now_us)

    def find_many(self, collection: Collection, addresses: list[EntryAddress]) -> list[str | None]:
        with self._room:
            items = [self._item(collection, address) for address in addresses]
            return [None if item is None else item.text for item in items]

    def consume(self, collection: Collection, address: EntryAddress) -> str | None:
        with self._room:
            item = self._item(collection, address)
            if item is None:
                return None
            item.remove(self._room)
            return item.text

    def replace(
        self, collection: Collection, address: EntryAddress, expected: str, text: str, ttl_us: int | None
    ) -> bool:
        with self._room as now_us:
            item = self._item(collection, address)
            if item is None or item.text != expected:
                return False
            return self._store(collection, address, text, now_us, ttl_us)

    def delete_if(self, collection: Collection, address: EntryAddress, expected: str) -> bool:
        with self._room:
            item = self._item(collection, address)
            if item is None or item.text != expected:
                return False
            item.remove(self._room)
            return True

    def entries(self, collection: Collection) -> list[EntryRow]:
        with self._room:
            shelf = self._rows.get(collection.digest)
            return [] if shelf is None else [item.as_row() for item in shelf.items.values()]

    def entries_in_range(
        self, collection: Collection, start: str | None, end: str | None, limit: int, descending: bool
    ) -> list[EntryRow]:
        with self._room:
            shelf = self._rows.get(collection.digest)
            if shelf is None:
                return []
            return [shelf.items[key].as_row() for key in shelf.between(start, end, limit, descending)]

    def count(self, collection: Collection) -> int:
        with self._room:
            shelf = self._rows.get(collection.digest)
            return 0 if shelf is None else len(shelf.items)

    def clear(self, collection: Collection) -> int:
        with self._room:
            shelf = self._rows.pop(collection.digest, None)
            if shelf is None:
                return 0
            for item in shelf.items.values():
                self._room.remove(item)
            return len(shelf.items)

    def _item(self, collection: Collection, address: EntryAddress) -> Item | None:
        shelf = self._rows.get(collection.digest)
        return None if shelf is None else shelf.items.get(address.key)

    def _store(self, collection: Collection, address: EntryAddress, text: str, now_us: int, ttl_us: int | None) -> bool:
        """Write the entry as the newest; False where it is new and there is no room for it."""
        most, rejects_new = collection.max_entries, collection.rejects_new
        shelf = self._rows.get(collection.digest)
        item = None if shelf is None else shelf.items.get(address.key)
        if shelf is None or item is None:
            if shelf is not None and most is not None and rejects_new and len(shelf.items) >= most:
                return False
            self._room.reserve()
            if shelf is None:
                shelf = self._rows[collection.digest] = Shelf(self._rows, collection.digest)
            item = Item(shelf, address.key)
            shelf.add(item)
            self._room.add(item)
        else:
            shelf.items.move_to_end(address.key)
            self._room.renew(item)
        item.text = text
        item.created_us = now_us
        item.expires_us = None if ttl_us is None else now_us + ttl_us
        self._room.set_alarm(item, item.expires_us)
        while most is not None and not rejects_new and len(shelf.items) > most:
            shelf.oldest().remove(self._room)
        return True
