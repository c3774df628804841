"""In which order what waits for a store is written once it is back."""

from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from botstate.caches.guard import StoreGuard

T = TypeVar("T")


class Replay(Generic[T]):
    """Writes what waits, oldest first, one at each call of `write_one`; on the guard's thread.

    A failure says nothing of whether the store is away, so another one is tried then. If that fails too, everything
    keeps its place. If the store takes it, and so twice in a row, the failure is the first one's own, which waits
    until all the others are written: it must not keep them from the store.
    oldest: returns what waits longest and has none of these keys. write: raises unless the store has taken it.
    """

    def __init__(
        self, oldest: Callable[[Collection[str]], tuple[str, T] | None], write: Callable[[str, T], object]
    ) -> None:
        self._oldest = oldest
        self._write = write
        self.reset()

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self._failing_alone: set[str] = set()
        self._suspect: str | None = None
        #: Those that were tried beside the oldest since the store last took anything; the next time it is others' turn.
        self._tried: set[str] = set()

    def write_one(self, guard: StoreGuard) -> None:
        """Write what waits longest. Raises what the store raised, unless it took another one instead."""
        first = self._oldest(self._failing_alone)
        if first is None:
            self._failing_alone.clear()
            first = self._oldest(())
        if first is None:
            return
        try:
            self._write(*first)
            self._suspect = None
        except BaseException as error:
            other = self._next_beside(first[0])
            # On a thread that was left behind in that call, another one has long begun.
            if other is None or not guard.is_current():
                raise
            self._write(*other)
            guard.count("write", type(error).__name__)
            if self._suspect == first[0]:
                self._failing_alone.add(first[0])
            self._suspect = first[0]
        self._tried.clear()

    def _next_beside(self, key: str) -> tuple[str, T] | None:
        other = self._oldest({key} | self._failing_alone | self._tried)
        if other is None:
            self._tried.clear()
        else:
            self._tried.add(other[0])
        return other
