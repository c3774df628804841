"""The memory layer: a bounded mapping whose entries expire, safe to share between threads."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush
from threading import Lock
from typing import Any

from cachetools import FIFOCache

from botstate.types import Json

#: How many counters of writes the keys share.
_COUNTERS = 256
#: Ends of entries that are gone stay in the heap until they are this many more than the entries.
_SPARE_ENDS = 64


@dataclass(slots=True, eq=False)
class Kept:
    """An entry in memory. ends_at: when it expires by the monotonic clock; None for never.

    is_stored: whether the store has taken it, so that other processes can have seen it.
    """

    value: Json
    created_at: datetime
    expires_at: datetime | None
    ends_at: float | None
    is_stored: bool = False
    #: Copies the value as far as it could be changed; None where it could not.
    copy: Callable[[Any], Any] | None = field(init=False)

    def __post_init__(self) -> None:
        self.copy = _copier(self.value)

    def has_ended(self) -> bool:
        """True once it has expired."""
        return self.ends_at is not None and self.ends_at <= time.monotonic()

    def copied(self) -> Any:
        """Return the value for a caller, whose changes must not reach what is kept."""
        return self.value if self.copy is None else self.copy(self.value)


class _ExpiredFirst(FIFOCache[str, Kept]):
    """Drops what has expired before what was written longest ago.

    by_key: the same entries in a dict, where a look takes a third of the time and needs no lock.
    """

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self.by_key: dict[str, Kept] = {}
        #: When entries expire, as a heap: the time, a number that no two share, the key and the entry.
        self._ends: list[tuple[float, int, str, Kept]] = []
        self._last_end = 0

    def __setitem__(self, key: str, kept: Kept) -> None:
        super().__setitem__(key, kept)
        self.by_key[key] = kept
        if kept.ends_at is not None:
            self._last_end += 1
            heappush(self._ends, (kept.ends_at, self._last_end, key, kept))
            if len(self._ends) > 2 * len(self) + _SPARE_ENDS:
                self._ends = [each for each in self._ends if self.by_key.get(each[2]) is each[3]]
                heapify(self._ends)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self.by_key[key]

    def popitem(self) -> tuple[str, Kept]:
        """Remove one entry, and return it with its key."""
        while self._ends and self._ends[0][3].has_ended():
            _, _, key, kept = heappop(self._ends)
            if self.by_key.get(key) is kept:
                return key, self.pop(key)
        return super().popitem()


class BoundedMemory:
    """At most `max_entries` entries; beyond that goes what has expired, else what was written longest ago.

    Expired ones are never returned. Reading takes no lock: it is one look into a dict, and changes nothing.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self.reset()

    def __len__(self) -> int:
        return len(self._kept)

    def value(self, key: str, default: Json = None) -> Any:
        """Return the live entry's value, else `default`."""
        try:
            kept = self._by_key[key]
        except (KeyError, TypeError):
            # A TypeError says that it is no text at all, and has no hash.
            return default
        if kept.ends_at is not None and kept.ends_at <= time.monotonic():
            return default
        copy = kept.copy
        return kept.value if copy is None else copy(kept.value)

    def get(self, key: str) -> Kept | None:
        """Return the live entry."""
        try:
            # Not `get`, which looks twice: the entry could go in between.
            kept = self._by_key[key]
        except (KeyError, TypeError):
            return None
        return None if kept.has_ended() else kept

    def set(self, key: str, kept: Kept) -> None:
        """Keep an entry in place of any earlier one."""
        with self._lock:
            self._writes[hash(key) % _COUNTERS] += 1
            self._kept[key] = kept

    def pop(self, key: str) -> Kept | None:
        """Remove the entry and return it if it was live."""
        with self._lock:
            self._writes[hash(key) % _COUNTERS] += 1
            kept = self._kept.pop(key, None)
        return None if kept is None or kept.has_ended() else kept

    def writes(self, key: str) -> int:
        """Return a number that grows with every write to this key, and with those to a few others."""
        return self._clears + self._writes[hash(key) % _COUNTERS]

    def backfill(self, key: str, kept: Kept, writes: int) -> None:
        """Keep an entry that was read elsewhere, unless the key was written to since `writes()` gave this number."""
        with self._lock:
            if self.writes(key) == writes:
                self._kept[key] = kept

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clears += 1
            self._begin()

    def reset(self) -> None:
        """Begin anew, as a forked child must: another thread of the parent may have been in the middle of a change."""
        self._begin()
        self._lock = Lock()
        self._writes = [0] * _COUNTERS
        self._clears = 0

    def _begin(self) -> None:
        self._kept = _ExpiredFirst(self._max_entries)
        self._by_key = self._kept.by_key


def _copier(value: Json) -> Callable[[Any], Any] | None:
    """Return what copies `value`, looking only where there is something to change; None where there is nothing."""
    if isinstance(value, dict):
        places: Iterable[tuple[Any, Json]] = value.items()
    elif isinstance(value, list):
        places = enumerate(value)
    else:
        return None
    copy_shallow: Callable[[Any], Any] = type(value).copy
    inner = [(place, copier) for place, item in places if (copier := _copier(item)) is not None]
    if not inner:
        return copy_shallow

    def copy(kept: Any) -> Any:
        copied = copy_shallow(kept)
        for place, copy_item in inner:
            copied[place] = copy_item(copied[place])
        return copied

    return copy
