"""What a cache has yet to write to its store: the latest wish for each key."""

from collections import OrderedDict
from threading import Lock

from botstate.caches.memory import Kept


class Wish:
    """What the store should hold under a key: an entry, or nothing where `kept` is None. Two are never equal."""

    __slots__ = ("kept",)

    def __init__(self, kept: Kept | None) -> None:
        self.kept = kept


class Journal:
    """Wishes: those that a call is under way for, and those that were left, of which there are at most `max_left`.

    Beyond that the oldest entry is lost; a removal only where no entry is left, because something that was consumed
    would come back.
    """

    def __init__(self, max_left: int) -> None:
        self._max_left = max_left
        self.reset()

    def __len__(self) -> int:
        return len(self._under_way) + len(self._left)

    def has_left(self) -> bool:
        """True where a wish waits that no call is under way for."""
        return bool(self._left)

    def put(self, key: str, kept: Kept | None) -> Wish:
        """Wish for an entry, or for none, in place of what was wished for before; a call for it is under way."""
        wish = Wish(kept)
        with self._lock:
            self._left.pop(key, None)
            self._under_way[key] = wish
        return wish

    def get(self, key: str) -> Wish | None:
        """Return the wish for a key; None where the store holds what it should."""
        with self._lock:
            return self._under_way.get(key) or self._left.get(key)

    def leave(self, key: str, wish: Wish) -> None:
        """Say that the call for a wish has failed."""
        with self._lock:
            if self._under_way.get(key) is not wish:
                return
            del self._under_way[key]
            self._left[key] = wish
            if len(self._left) > self._max_left:
                entries = (each for each, left in self._left.items() if left.kept is not None)
                del self._left[next(entries, next(iter(self._left)))]
                self.lost += 1

    def first_left(self) -> tuple[str, Wish] | None:
        """Return the oldest wish that was left."""
        with self._lock:
            return next(iter(self._left.items()), None)

    def postpone(self, key: str, wish: Wish) -> None:
        """Let a wish that was left wait behind the others."""
        with self._lock:
            if self._left.get(key) is wish:
                self._left.move_to_end(key)

    def fulfil(self, key: str, wish: Wish) -> None:
        """Drop a wish that was written, unless there is another one for its key by now."""
        with self._lock:
            for wishes in (self._under_way, self._left):
                if wishes.get(key) is wish:
                    del wishes[key]

    def lose(self) -> None:
        """Count a wish that the store refuses."""
        with self._lock:
            self.lost += 1

    def reset(self) -> None:
        """Begin anew, as a forked child must: the wishes are the parent's, and to write them late could undo others."""
        self._under_way: dict[str, Wish] = {}
        self._left: OrderedDict[str, Wish] = OrderedDict()
        self._lock = Lock()
        #: How many wishes the store will never see.
        self.lost = 0
