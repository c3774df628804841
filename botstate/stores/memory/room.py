"""The room that the facets of one MemoryStore share: its lock, its clock, what expires in it and what fills it."""

import time
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from heapq import heapify, heappop, heappush
from threading import Lock
from typing import Any

from botstate.exceptions import StoreError

#: Alarms that were stopped or set anew stay in the heap until they are this many more than those that stand.
_SPARE_ALARMS = 64


def host_now_us() -> int:
    """Return the host's clock in microseconds since 1970."""
    return time.time_ns() // 1_000


class Timed:
    """Something whose time may come."""

    __slots__ = ("alarm",)

    def __init__(self) -> None:
        #: The alarm that stands for it in the room's heap; 0 for none.
        self.alarm = 0

    def expire(self, room: "Room") -> None:
        """Its time has come."""
        raise NotImplementedError


class Entry(Timed):
    """One of the things that the room's bound counts."""

    __slots__ = ()

    def drop(self, room: "Room") -> None:
        """Leave the facet; the room no longer counts it."""
        raise NotImplementedError

    def expire(self, room: "Room") -> None:
        room.remove(self)
        self.drop(room)


class Keyed(Entry):
    """An entry that is all there is under its key."""

    __slots__ = ("_digest", "_rows")

    def __init__(self, rows: MutableMapping[str, Any], digest: str) -> None:
        super().__init__()
        self._rows = rows
        self._digest = digest

    def drop(self, room: "Room") -> None:
        del self._rows[self._digest]


class Room:
    """Use it as a context manager around everything: within, the lock is held and whatever has expired is gone.

    At most `max_entries` are there at once. What comes last pushes out what was written longest ago, but never a
    held entry: a lock, or an item or key under a claim.
    """

    def __init__(self, max_entries: int, clock: Callable[[], int]) -> None:
        self._max_entries = max_entries
        self._clock = clock
        self._lock = Lock()
        self._alarms: list[tuple[int, int, Timed]] = []
        self._standing = 0
        self._last_alarm = 0
        self._last_fence = 0
        #: What may be dropped, oldest first. What is held is only counted.
        self._droppable: OrderedDict[Entry, None] = OrderedDict()
        self._held = 0

    def __enter__(self) -> int:
        """Return the clock's microseconds."""
        self._lock.acquire()
        try:
            now_us = self._clock()
            while self._alarms and self._alarms[0][0] <= now_us:
                _, alarm, timed = heappop(self._alarms)
                if timed.alarm == alarm:
                    self._standing -= 1
                    timed.alarm = 0
                    timed.expire(self)
        except BaseException:
            self._lock.release()
            raise
        return now_us

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._droppable) + self._held

    def next_fence(self, now_us: int) -> int:
        """Return a number greater than every earlier one, of this process and, by the clock, of those before it."""
        self._last_fence = max(self._last_fence + 1, now_us)
        return self._last_fence

    def set_alarm(self, timed: Timed, due_us: int | None) -> None:
        """Let the time of `timed` come at `due_us`, or never."""
        if timed.alarm:
            timed.alarm = 0
            self._standing -= 1
        if due_us is not None:
            self._last_alarm += 1
            self._standing += 1
            timed.alarm = self._last_alarm
            heappush(self._alarms, (due_us, timed.alarm, timed))
        if len(self._alarms) > 2 * self._standing + _SPARE_ALARMS:
            self._alarms = [each for each in self._alarms if each[2].alarm == each[1]]
            heapify(self._alarms)

    def reserve(self) -> None:
        """Raise StoreError where an entry more could not be kept, because all the others are held."""
        if self._held >= self._max_entries:
            raise StoreError(f"the memory store is full: all of its {self._max_entries} entries are locks and claims")

    def add(self, entry: Entry, *, held: bool = False) -> None:
        """Count `entry`, which was reserved and is in its facet, and drop the oldest where that is one too many."""
        if held:
            self._held += 1
        else:
            self._droppable[entry] = None
        while len(self) > self._max_entries:
            oldest, _ = self._droppable.popitem(last=False)
            self.set_alarm(oldest, None)
            oldest.drop(self)

    def hold(self, entry: Entry) -> None:
        """Keep `entry` from being dropped."""
        del self._droppable[entry]
        self._held += 1

    def let_go(self, entry: Entry) -> None:
        """End the hold on `entry`, which counts as the newest from now on."""
        self._held -= 1
        self._droppable[entry] = None

    def renew(self, entry: Entry) -> None:
        """Let `entry`, which is not held, count as the newest."""
        self._droppable.move_to_end(entry)

    def remove(self, entry: Entry) -> None:
        """Count `entry` no longer; its time will not come."""
        self.set_alarm(entry, None)
        if entry in self._droppable:
            del self._droppable[entry]
        else:
            self._held -= 1
