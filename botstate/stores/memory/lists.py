"""Lists in memory."""

from collections import deque
from itertools import islice

from botstate.contracts.addresses import Address
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.contracts.lists import ListFacet
from botstate.stores.memory.facet import MemoryFacet
from botstate.stores.memory.room import Entry, Room, Timed


class Series(Timed):
    """One list; it is there for as long as it has items."""

    __slots__ = ("_digest", "_rows", "items")

    def __init__(self, rows: "dict[str, Series]", digest: str) -> None:
        super().__init__()
        self._rows = rows
        self._digest = digest
        self.items: deque[Item] = deque()

    def expire(self, room: Room) -> None:
        self.drop_oldest(len(self.items), room)

    def drop_oldest(self, count: int, room: Room) -> None:
        """Remove `count` items, at most all of them."""
        for _ in range(count):
            room.remove(self.items.popleft())
        self.end_if_empty(room)

    def end_if_empty(self, room: Room) -> None:
        """An empty list does not exist and has no expiry."""
        if not self.items:
            room.set_alarm(self, None)
            del self._rows[self._digest]


class Item(Entry):
    """One item of a list."""

    __slots__ = ("_series", "text")

    def __init__(self, series: Series, text: str) -> None:
        super().__init__()
        self._series = series
        self.text = text

    def drop(self, room: Room) -> None:
        # The oldest entry of the room is the oldest of its list.
        self._series.items.popleft()
        self._series.end_if_empty(room)


class MemoryList(MemoryFacet, ListFacet):
    """Lists by digest."""

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(room, namespace, max_value_bytes)
        self._rows: dict[str, Series] = {}

    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int:
        with self._room as now_us:
            self._room.reserve()
            series = self._rows.get(address.digest)
            if series is None:
                series = self._rows[address.digest] = Series(self._rows, address.digest)
            item = Item(series, text)
            series.items.append(item)
            self._room.add(item)
            if max_len is not None:
                series.drop_oldest(len(series.items) - max_len, self._room)
            if ttl_us is not None:
                self._room.set_alarm(series, now_us + ttl_us)
            return len(series.items)

    def _range(self, address: Address, start: int, stop: int | None) -> list[str]:
        with self._room:
            series = self._rows.get(address.digest)
            if series is None:
                return []
            length = len(series.items)
            end = length if stop is None else min(stop + 1, length)
            return [item.text for item in islice(series.items, min(start, length), end)]

    def _trim(self, address: Address, max_len: int) -> None:
        with self._room:
            series = self._rows.get(address.digest)
            if series is not None:
                series.drop_oldest(len(series.items) - max_len, self._room)

    def _delete(self, address: Address) -> bool:
        with self._room:
            series = self._rows.get(address.digest)
            if series is None:
                return False
            series.drop_oldest(len(series.items), self._room)
            return True
