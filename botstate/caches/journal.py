"""What a cache has yet to write to its store: the latest wish for each key."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from threading import Lock

from botstate.caches.memory import Kept


class Wish:
    """What the store should hold under a key: an entry, or nothing where `kept` is None. Two are never equal.

    is_left: whether no call is under way for it.
    """

    __slots__ = ("is_left", "kept")

    def __init__(self, kept: Kept | None) -> None:
        self.kept = kept
        self.is_left = False


class Journal:
    """Wishes, in the order in which they were made: those that a call is under way for, and at most `max_left` others.

    Beyond that the oldest entry is lost; a removal only where no entry is left, because something that was consumed
    would come back.
    """

    def __init__(self, max_left: int) -> None:
        self._max_left = max_left
        self.reset()

    def __len__(self) -> int:
        return len(self._wishes)

    def has_left(self) -> bool:
        """True where a wish waits that no call is under way for."""
        return self._left > 0

    def put(self, key: str, kept: Kept | None) -> Wish:
        """Wish for an entry, or for none, in place of what was wished for before; a call for it is under way."""
        wish = Wish(kept)
        with self._lock:
            if key in self._wishes:
                self._drop(key)
            self._wishes[key] = wish
        return wish

    def get(self, key: str) -> Wish | None:
        """Return the wish for a key; None where the store holds what it should."""
        return self._wishes.get(key)

    def leave(self, key: str, wish: Wish) -> None:
        """Say that the call for a wish has failed."""
        with self._lock:
            if self._wishes.get(key) is not wish or wish.is_left:
                return
            wish.is_left = True
            self._left += 1
            if self._left > self._max_left:
                entries = (each for each, other in self._all_left() if other.kept is not None)
                self._drop(next(entries, None) or next(self._all_left())[0])
                self.lost += 1

    def oldest_left(self, besides: Collection[str]) -> tuple[str, Wish] | None:
        """Return the oldest wish that was left, of those that have none of these keys."""
        with self._lock:
            return next((each for each in self._all_left() if each[0] not in besides), None)

    def fulfil(self, key: str, wish: Wish) -> None:
        """Drop a wish that was written, unless there is another one for its key by now."""
        with self._lock:
            if self._wishes.get(key) is wish:
                self._drop(key)

    def lose(self) -> None:
        """Count a wish that the store refuses."""
        with self._lock:
            self.lost += 1

    def reset(self) -> None:
        """Begin anew, as a forked child must: the wishes are the parent's, and to write them late could undo others."""
        self._wishes: OrderedDict[str, Wish] = OrderedDict()
        self._left = 0
        self._lock = Lock()
        #: How many wishes the store will never see.
        self.lost = 0

    def _all_left(self) -> Iterator[tuple[str, Wish]]:
        return (each for each in self._wishes.items() if each[1].is_left)

    def _drop(self, key: str) -> None:
        self._left -= self._wishes.pop(key).is_left
