"""The store's side of a mirrored cache."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import RLock
from typing import Any, NamedTuple

from botstate.caches.guard import StoreFailedError, StoreGuard, was_made
from botstate.caches.journal import Journal, Wish
from botstate.caches.memory import BoundedMemory, Kept
from botstate.caches.replay import Replay
from botstate.exceptions import LimitExceeded, NotSerializable, ValueUnreadable
from botstate.keyed import FoundEntry, KeyedStore
from botstate.types import Json

#: What stands for a value that is not there.
MISSING: Any = object()


class Taken(NamedTuple):
    """What was in memory or on its way to the store; and the store's answer, None where it is left alone."""

    kept: Kept | None
    future: "Future[Json] | None"


class Mirror:
    """Changes `memory` and a keyed store alike, in the same order per key, and reads from the store. See `StoreGuard`.

    What cannot be written is left in a journal of at most `max_left`, and written when the store is back.
    """

    def __init__(self, name: str, keyed: KeyedStore, memory: BoundedMemory, max_left: int, timeout_s: float) -> None:
        self.journal = Journal(max_left)
        self._replay = Replay(self.journal.oldest_left, self._fulfil)
        self.guard = StoreGuard(name, timeout_s, write=self._write_one, waiting=self.journal.has_left)
        self._keyed = keyed
        self._memory = memory
        self.reset()

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self.guard.reset()
        self.journal.reset()
        self._replay.reset()
        # Memory, journal and the thread's queue get all changes in one order. A log handler may come back to the cache.
        self._order = RLock()

    def retire(self) -> None:
        """Give up what waits, and let the thread end: the settings name another store, or another timeout."""
        self.journal.reset()
        self.guard.close(0)

    def register(self, key: str, kept: Kept) -> "Future[None]":
        """Keep an entry in memory, and write it. Raises StoreFailedError; it is written later then."""
        with self._order:
            self._memory.set(key, kept)
            wish = self.journal.put(key, kept)
            return self._submit("register", key, wish, lambda: self._fulfil(key, wish), self._leave)

    def read(self, key: str) -> "Future[FoundEntry | None]":
        """Look an entry up. Raises StoreFailedError."""
        return self.guard.submit("lookup", lambda: self._read(key))

    def take(self, operation: str, key: str) -> Taken:
        """Remove an entry from memory, and from the store; its answer is the value, MISSING for none.

        An entry that the store never took is its caller's: nobody else can have seen it. Where the store is not asked,
        it is removed there later; not so by a `consume` that found nothing, whose caller did not get it.
        """
        with self._order:
            kept = self._memory.pop(key)
            before = self.journal.get(key)
            if kept is None and before is not None and before.kept is not None and not before.kept.has_ended():
                kept = before.kept
            found_nothing = operation == "consume" and kept is None and before is None
            wish = self.journal.put(key, None)
            if_not_made = self.journal.fulfil if found_nothing else self._leave
            try:
                return Taken(kept, self._submit(operation, key, wish, lambda: self._take(key, wish, kept), if_not_made))
            except StoreFailedError:
                return Taken(kept, None)

    def _submit(
        self,
        operation: str,
        key: str,
        wish: Wish,
        call: Callable[[], Any],
        if_not_made: Callable[[str, Wish], None],
    ) -> "Future[Any]":
        """Let a call for a wish be made, which is left where it fails, as it may have had an effect."""

        def leave_if_failed(future: "Future[Any]") -> None:
            if not was_made(future):
                if_not_made(key, wish)
            elif future.exception() is not None:
                self._leave(key, wish)

        try:
            future = self.guard.submit(operation, call)
        except StoreFailedError:
            if_not_made(key, wish)
            raise
        future.add_done_callback(leave_if_failed)
        return future

    def _leave(self, key: str, wish: Wish) -> None:
        self.journal.leave(key, wish)
        self.guard.wake()

    # What follows runs on the guard's thread, which may have been left behind by the time that the store answers.

    def _write_one(self) -> None:
        self._replay.write_one(self.guard)

    def _fulfil(self, key: str, wish: Wish) -> None:
        if self.journal.get(key) is not wish:
            return
        kept = wish.kept
        is_stored = True
        try:
            self._write(key, kept)
        except (ValueError, NotSerializable, LimitExceeded) as error:
            # The store will not take it, however often it is asked; what it had before must not come back.
            self.guard.count("register", type(error).__name__)
            self.journal.lose()
            self._write(key, None)
            is_stored = False
        if kept is not None and is_stored:
            kept.is_stored = True
        if self.guard.is_current():
            self.journal.fulfil(key, wish)
        else:
            self._mend(key, wish)

    def _read(self, key: str) -> FoundEntry | None:
        try:
            return self._keyed.lookup_entry(key)
        except ValueUnreadable as error:
            # The store has answered; the entry counts as absent.
            self.guard.count("lookup", type(error).__name__)
            return None

    def _take(self, key: str, wish: Wish, kept: Kept | None) -> Json:
        is_readable = True
        try:
            value = self._keyed.consume(key, MISSING)
        except ValueUnreadable as error:
            # It is gone all the same, so that what memory has is this caller's.
            self.guard.count("consume", type(error).__name__)
            value, is_readable = MISSING, False
        if self.guard.is_current():
            self.journal.fulfil(key, wish)
        elif value is not MISSING:
            self._mend(key, wish, value)
        if kept is not None and not (kept.is_stored and is_readable) and not kept.has_ended():
            return kept.copied()
        return value

    def _mend(self, key: str, wish: Wish, taken: Json = MISSING) -> None:
        """Wish anew for what a call may have undone that came late. taken: what it removed."""
        with self._order:
            newest = self.journal.get(key)
            if newest is wish:
                self.journal.fulfil(key, wish)
                return
            kept = self._memory.get(key) if newest is None else newest.kept
            if taken is not MISSING and (kept is None or kept.value != taken):
                return
            self.journal.leave(key, self.journal.put(key, kept))
        self.guard.wake()

    def _write(self, key: str, kept: Kept | None) -> None:
        if kept is None or kept.has_ended():
            self._keyed.delete(key)
        elif kept.ends_at is None:
            self._keyed.register(key, kept.value)
        else:
            self._keyed.register(key, kept.value, ttl=max(kept.ends_at - time.monotonic(), 0.000_001))
