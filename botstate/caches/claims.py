"""What one process knows of claims, without asking a store."""

import time
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from botstate.caches.endings import Endings
from botstate.contracts.addresses import Address, check_text
from botstate.contracts.dedup import DedupStatus
from botstate.durations import MICROSECONDS_PER_SECOND
from botstate.exceptions import StoreError
from botstate.stores.memory.dedup import MemoryDedup
from botstate.stores.memory.room import Room

#: With its channel and namespace before it, a key still fits into the store's.
MAX_KEY_CHARACTERS = 512


class Held(NamedTuple):
    """A claim that the store granted, alive until `ends_at` by the monotonic clock."""

    token: str
    ends_at: float

    def has_ended(self) -> bool:
        """True once its lease is over."""
        return self.ends_at <= time.monotonic()


class KnownClaims:
    """The keys that this process claimed without the store, those that the store let it claim, and those that are done.

    max_entries: of those that the store let it claim, and of the others; what was done longest ago goes first, and what
    is claimed never does: full of it, one claim more is not remembered. untold: what is
    done here and the store has yet to hear. One lock makes one of two that claim a key here, with the store and
    without, the winner. Safe to share between threads.
    """

    def __init__(self, max_entries: int, lease_us: int, ttl_us: int, untold: Endings) -> None:
        self._max_entries = max_entries
        self._lease_us = lease_us
        self._ttl_us = ttl_us
        self._untold = untold
        self.reset()

    def __len__(self) -> int:
        with self._room:
            return len(self._room) + len(self._held)

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self._lock = Lock()
        #: How many claims were granted that there was no room for.
        self.not_remembered = 0
        self._begin_memory()

    def forget(self) -> None:
        """Empty it, as a restart does."""
        with self._lock:
            self._begin_memory()

    def address(self, key: str) -> Address:
        """Check a key. Raises ValueError naming the bound."""
        check_text(key, "a key", MAX_KEY_CHARACTERS)
        return self._local._address(key)

    def status(self, address: Address) -> DedupStatus:
        """Return what is known here; "new" where only a store may know better."""
        status = self._local._check(address)
        if status != "new":
            return status
        untold = self._untold.get(address.key)
        return "new" if untold is None or not untold.is_done else "done"

    def is_done_here(self, address: Address) -> bool:
        """True for a key that memory has as done."""
        return self._local._check(address) == "done"

    def is_held(self, key: str) -> bool:
        """True for a key that the store let this process claim."""
        held = self._held.get(key)
        return held is not None and not held.has_ended()

    def claim(self, address: Address, token: str) -> bool:
        """Claim a key without the store; False where it is known to be claimed or done."""
        with self._lock:
            if self.is_held(address.key):
                return False
            try:
                return self._local._claim(address, token, self._lease_us)
            except StoreError:
                # To lose an event is worse than to take it in twice.
                self.not_remembered += 1
                return True

    def commit(self, address: Address, token: str) -> bool:
        """Turn a live claim that was made here into done."""
        return self._local._commit(address, token, self._ttl_us)

    def release(self, address: Address, token: str) -> bool:
        """Give up a live claim that was made here."""
        return self._local._release(address, token)

    def hold(self, address: Address, token: str, began: float) -> bool:
        """Keep a claim that the store granted to a call of `began`, by the monotonic clock.

        False where another was made without the store meanwhile, which stands.
        """
        held = Held(token, began + self._lease_us / MICROSECONDS_PER_SECOND)
        with self._lock:
            if self.status(address) != "new":
                return False
            self._held.pop(address.key, None)
            # Their leases are equally long, so that what was granted first has ended first.
            while self._held and next(iter(self._held.values())).has_ended():
                self._held.popitem(last=False)
            if len(self._held) < self._max_entries:
                self._held[address.key] = held
            else:
                self.not_remembered += 1
            return True

    def let_go(self, key: str, token: str) -> bool:
        """Drop a claim that the store granted; True if it was live."""
        with self._lock:
            return self._let_go(key, token)

    def _let_go(self, key: str, token: str) -> bool:
        held = self._held.get(key)
        if held is None or held.token != token:
            return False
        del self._held[key]
        return not held.has_ended()

    def end_held(self, address: Address, token: str, *, done_since: float | None) -> bool:
        """Drop a claim that the store granted, and note the key as done where the store says since when.

        done_since: by the monotonic clock; None where the store did not answer: then it is done from now on if the
        claim was live. Returns whether that was so.
        """
        with self._lock:
            was_live = self._let_go(address.key, token)
            if done_since is not None or was_live:
                self._note_done(address, time.monotonic() if done_since is None else done_since)
            return was_live

    def _note_done(self, address: Address, since: float) -> None:
        left_us = self._ttl_us - int((time.monotonic() - since) * MICROSECONDS_PER_SECOND)
        if left_us > 0:
            try:
                self._local._seen(address, left_us)
            except StoreError:
                # Full of live claims: the store is asked instead.
                return

    def _begin_memory(self) -> None:
        # By a clock that is never set back, or what is done would stay so for longer than its ttl.
        self._room = Room(self._max_entries, lambda: time.monotonic_ns() // 1_000)
        self._local = MemoryDedup(self._room)
        #: What the store gave to this process, by key.
        self._held: OrderedDict[str, Held] = OrderedDict()
