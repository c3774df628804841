"""Queues in memory."""

from bisect import bisect_left, insort
from collections import deque
from operator import attrgetter

from botstate.contracts.addresses import Address
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, new_token
from botstate.contracts.queues import OnFull, QueueFacet
from botstate.stores.memory.facet import MemoryFacet
from botstate.stores.memory.room import Entry, Room, Timed


class Line(Timed):
    """One queue; it is there for as long as it has items.

    A claim takes the oldest waiting item, so whatever was returned is older than all that was never claimed.
    """

    __slots__ = ("_digest", "_rows", "claimed", "fresh", "returned")

    def __init__(self, rows: "dict[str, Line]", digest: str) -> None:
        super().__init__()
        self._rows = rows
        self._digest = digest
        #: Never claimed, and waiting again; each by age.
        self.fresh: deque[Item] = deque()
        self.returned: list[Item] = []
        self.claimed: dict[str, Item] = {}

    def __len__(self) -> int:
        return len(self.fresh) + len(self.returned) + len(self.claimed)

    def expire(self, room: Room) -> None:
        for items in (self.fresh, self.returned, self.claimed.values()):
            for item in items:
                room.remove(item)
        del self._rows[self._digest]

    def take_oldest(self) -> "Item | None":
        """Take the oldest waiting item out."""
        if self.returned:
            return self.returned.pop(0)
        return self.fresh.popleft() if self.fresh else None

    def take_newest(self) -> "Item | None":
        """Take the newest waiting item out."""
        if self.fresh:
            return self.fresh.pop()
        return self.returned.pop() if self.returned else None

    def give_back(self, item: "Item", room: Room) -> None:
        """End the claim of `item`, and let it wait in its place."""
        del self.claimed[item.token]
        room.set_alarm(item, None)
        room.let_go(item)
        insort(self.returned, item, key=_place)

    def end_if_empty(self, room: Room) -> None:
        """An empty queue does not exist and has no expiry."""
        if not len(self):
            room.set_alarm(self, None)
            del self._rows[self._digest]


class Item(Entry):
    """One item of a queue; claimed while its line has its token."""

    __slots__ = ("_line", "attempts", "place", "text", "token")

    def __init__(self, line: Line, place: int, text: str) -> None:
        super().__init__()
        self._line = line
        self.place = place
        self.text = text
        self.token = ""
        self.attempts = 0

    def expire(self, room: Room) -> None:
        # Only a claim has an alarm.
        self._line.give_back(self, room)

    def drop(self, room: Room) -> None:
        line = self._line
        if line.fresh and line.fresh[0] is self:
            line.fresh.popleft()
        else:
            del line.returned[bisect_left(line.returned, self.place, key=_place)]
        line.end_if_empty(room)


_place = attrgetter("place")


class MemoryQueue(MemoryFacet, QueueFacet):
    """Lines by digest."""

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(room, namespace, max_value_bytes)
        self._rows: dict[str, Line] = {}
        self._last_place = 0

    def _enqueue(self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None) -> int:
        with self._room as now_us:
            self._room.reserve()
            line = self._rows.get(address.digest)
            if line is None:
                line = self._rows[address.digest] = Line(self._rows, address.digest)
            self._last_place += 1
            item = Item(line, self._last_place, text)
            line.fresh.append(item)
            self._room.add(item)
            take = line.take_oldest if on_full == "drop-oldest" else line.take_newest
            while max_size is not None and len(line) > max_size and (dropped := take()):
                self._room.remove(dropped)
            if ttl_us is not None:
                self._room.set_alarm(line, now_us + ttl_us)
            return len(line)

    def _dequeue(self, address: Address) -> str | None:
        with self._room:
            line = self._rows.get(address.digest)
            item = None if line is None else line.take_oldest()
            if line is None or item is None:
                return None
            self._room.remove(item)
            line.end_if_empty(self._room)
            return item.text

    def _depth(self, address: Address) -> int:
        with self._room:
            line = self._rows.get(address.digest)
            return 0 if line is None else len(line)

    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        with self._room as now_us:
            line = self._rows.get(address.digest)
            item = None if line is None else line.take_oldest()
            if line is None or item is None:
                return None
            item.token = new_token()
            item.attempts += 1
            line.claimed[item.token] = item
            self._room.hold(item)
            self._room.set_alarm(item, now_us + lease_us)
            return item.text, item.token, item.attempts

    def _ack(self, address: Address, token: str) -> bool:
        with self._room:
            line = self._rows.get(address.digest)
            item = None if line is None else line.claimed.pop(token, None)
            if line is None or item is None:
                return False
            self._room.remove(item)
            line.end_if_empty(self._room)
            return True

    def _nack(self, address: Address, token: str) -> bool:
        with self._room:
            line = self._rows.get(address.digest)
            item = None if line is None else line.claimed.get(token)
            if line is None or item is None:
                return False
            line.give_back(item, self._room)
            return True
