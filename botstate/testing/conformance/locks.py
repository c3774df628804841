# ruff: noqa: S101
"""lock: a lease per key, with a token that proves it and a fence that grows with every holder."""

from datetime import timedelta
from typing import Any

import pytest

from botstate.contracts.locks import Lock
from botstate.contracts.stores import StateStore
from botstate.exceptions import LockHeld
from botstate.keyed import open_keyed_store
from botstate.testing.conformance.base import ConformanceBase
from botstate.testing.conformance.tokens import stale_tokens

#: What a store may round a time to.
TICK = timedelta(milliseconds=1)


class LockConformance(ConformanceBase):
    """acquire, hold, release, extend and force_release."""

    def take(self, store: StateStore, key: str, ttl: float | None = None) -> Lock:
        """Take a lock that must be free."""
        lock = store.lock.acquire(key, ttl=self.long if ttl is None else ttl)
        assert lock is not None, "a free lock can be taken"
        return lock

    def test_acquire_gives_a_lock(self, store: StateStore, key: str) -> None:
        lock = self.take(store, key)
        assert isinstance(lock, Lock)
        assert lock.key == key, "a Lock carries its key"
        assert type(lock.token) is str and lock.token, "a Lock carries a token, a text that is not empty"
        assert type(lock.fence) is int and lock.fence > 0, "a Lock carries a fence, an int above zero"
        assert lock.expires_at.utcoffset() == timedelta(0), "expires_at is aware"

    def test_expires_at_goes_by_the_ttl(self, store: StateStore, key: str) -> None:
        before, lock, after = (
            self.take(store, f"{key}:{number}", ttl) for number, ttl in enumerate([self.short, self.long, self.short])
        )
        longer = timedelta(seconds=self.long - self.short)
        assert before.expires_at - TICK <= lock.expires_at - longer <= after.expires_at + TICK, (
            f"expires_at must be the later for a longer ttl, by as much: {[before, lock, after]}"
        )

    def test_expires_at_is_by_the_stores_clock(self, store: StateStore, key: str) -> None:
        if store.keyed is None:
            pytest.skip("nothing but keyed entries tells what a store's clock says")
        entries = open_keyed_store(key, store=store)
        entries.register("a", 1)
        before = entries.lookup_entry("a")
        lock = self.take(store, key)
        after = entries.lookup_entry("a")
        assert before and after, "an entry that was registered can be found"
        taken_at = lock.expires_at - timedelta(seconds=self.long)
        assert before.found_at - TICK <= taken_at <= after.found_at + TICK, (
            f"expires_at must be when the lock expires, by the store's clock: {lock.expires_at} is {self.long} s after"
            f" {taken_at}, and it was taken between {before.found_at} and {after.found_at}"
        )

    def test_a_held_lock_cannot_be_taken(self, store: StateStore, key: str) -> None:
        self.take(store, key)
        assert store.lock.acquire(key) is None, "acquire gives None while another token holds the lock"
        assert store.lock.acquire(key) is None, "a refused acquire must change nothing"

    def test_a_refused_acquire_leaves_the_holder_alone(self, store: StateStore, key: str) -> None:
        lock = self.take(store, key, self.short)
        store.lock.acquire(key, ttl=self.long)
        assert store.lock.extend(key, lock.token, self.short), "a refused acquire must leave the holder its lease"
        self.advance(store, self.short)
        assert store.lock.acquire(key), "a refused acquire must not prolong the lease"

    def test_locks_do_not_touch_each_other(self, store: StateStore, key: str) -> None:
        one, other = self.take(store, f"{key}:1"), self.take(store, f"{key}:2")
        assert one.token != other.token, "every holder has a token of its own"
        assert store.lock.release(f"{key}:1", other.token) is False, "a token frees the lock of its own key only"
        store.lock.release(f"{key}:1", one.token)
        assert store.lock.acquire(f"{key}:2") is None, "release frees its own key only"

    def test_release_frees(self, store: StateStore, key: str) -> None:
        first = self.take(store, key)
        assert store.lock.release(key, first.token) is True, "release by the holder is True"
        assert store.lock.release(key, first.token) is False, "a second release is False"
        second = self.take(store, key)
        assert second.token != first.token, "every holder has a token of its own"

    def test_release_of_a_lock_never_taken_is_false(self, store: StateStore, key: str) -> None:
        assert store.lock.release(key, "0" * 32) is False
        assert store.lock.extend(key, "0" * 32, self.long) is False
        assert store.lock.force_release(key) is False, "force_release of a free lock is False"

    def test_a_stale_token_frees_and_extends_nothing(self, store: StateStore, key: str) -> None:
        first = self.take(store, key)
        store.lock.release(key, first.token)
        self.take(store, key)
        assert store.lock.release(key, first.token) is False, "the earlier holder's token must free nothing"
        assert store.lock.extend(key, first.token, self.long) is False, "the earlier holder's token extends nothing"
        assert store.lock.acquire(key) is None, "the holder must still have the lock"

    def test_only_the_very_token_frees_and_extends(self, store: StateStore, key: str) -> None:
        lock = self.take(store, key, self.short)
        for name, token in stale_tokens(lock.token).items():
            assert store.lock.extend(key, token, self.long) is False, f"a token that is {name} must extend nothing"
            assert store.lock.release(key, token) is False, f"a token that is {name} must free nothing"
        assert store.lock.acquire(key) is None, "the holder must still have the lock"
        self.advance(store, self.short)
        assert store.lock.acquire(key), "a refused extend must not prolong the lease"

    @pytest.mark.parametrize("token", ["", None])
    def test_no_token_frees_no_free_lock(self, store: StateStore, key: str, token: Any) -> None:
        lock = self.take(store, key)
        store.lock.release(key, lock.token)
        assert store.lock.release(key, token) is False, "a free lock has no holder that a missing token could be"
        assert store.lock.extend(key, token, self.long) is False
        assert store.lock.acquire(key), "extending a free lock must not take it"

    def test_an_expired_lock_is_free(self, store: StateStore, key: str) -> None:
        first = self.take(store, key, self.short)
        self.advance(store, self.short)
        second = self.take(store, key)
        assert store.lock.release(key, first.token) is False, "the holder that expired must free nothing"
        assert store.lock.extend(key, first.token, self.long) is False, "the holder that expired must extend nothing"
        assert store.lock.release(key, second.token) is True, "the new holder must still have the lock"

    def test_an_expired_lock_stays_expired(self, store: StateStore, key: str) -> None:
        lock = self.take(store, key, self.short)
        self.advance(store, self.short)
        assert store.lock.extend(key, lock.token, self.long) is False, "extend must not bring an expired lock back"
        assert store.lock.release(key, lock.token) is False, "release of an expired lock is False"
        assert store.lock.force_release(key) is False, "nobody holds an expired lock"
        assert store.lock.acquire(key), "a lock that expired is free"

    def test_extend_sets_the_end_from_now(self, store: StateStore, key: str) -> None:
        longer, shorter = self.take(store, f"{key}:longer", self.short), self.take(store, f"{key}:shorter")
        assert store.lock.extend(f"{key}:longer", longer.token, self.long) is True, "extend by the holder is True"
        assert store.lock.extend(f"{key}:shorter", shorter.token, self.short) is True
        self.advance(store, self.short)
        assert store.lock.acquire(f"{key}:longer") is None, "an extended lease must hold"
        assert store.lock.acquire(f"{key}:shorter"), "extend sets the end from now, earlier than before if it says so"

    def test_force_release_frees_whoever_holds_it(self, store: StateStore, key: str) -> None:
        lock = self.take(store, key)
        assert store.lock.force_release(key) is True, "force_release of a held lock is True"
        assert store.lock.force_release(key) is False, "force_release of a free lock is False"
        assert store.lock.release(key, lock.token) is False, "the token of a lock that was forced free is stale"
        assert store.lock.extend(key, lock.token, self.long) is False
        assert self.take(store, key).fence > lock.fence, "the fence grows over a forced release"

    def test_fences_grow_over_release_expiry_and_sweep(self, store: StateStore, key: str) -> None:
        fences = []
        for _ in range(3):
            released = self.take(store, key)
            assert store.lock.release(key, released.token)
            expired = self.take(store, key, self.short)
            self.advance(store, self.short)
            store.sweep()
            fences += [released.fence, expired.fence]
        self.advance(store, 2 * self.long if self.short >= 1 else self.short)
        store.sweep(100_000)
        fences.append(self.take(store, key).fence)
        assert fences == sorted(set(fences)), f"every fence must be greater than that of every earlier holder: {fences}"

    def test_extend_keeps_the_fence(self, store: StateStore, key: str) -> None:
        first = self.take(store, key)
        store.lock.extend(key, first.token, self.long)
        store.lock.acquire(key)
        store.lock.release(key, first.token)
        assert self.take(store, key).fence > first.fence, "a fence is that of its holder and grows with the next one"

    def test_hold_holds_for_the_block(self, store: StateStore, key: str) -> None:
        with store.lock.hold(key, ttl=self.long) as lock:
            assert isinstance(lock, Lock), "hold gives the Lock"
            assert store.lock.acquire(key) is None, "within the block the lock is held"
            with pytest.raises(LockHeld), store.lock.hold(key):
                pytest.fail("hold must not enter the block while another token holds the lock")
        assert store.lock.acquire(key), "after the block the lock is free"

    def test_hold_frees_after_an_error(self, store: StateStore, key: str) -> None:
        with pytest.raises(ZeroDivisionError), store.lock.hold(key):
            _ = 1 / 0
        assert store.lock.acquire(key), "an error in the block must free the lock and come through"

    def test_hold_that_outlived_its_lease_frees_nobody_else(self, store: StateStore, key: str) -> None:
        with store.lock.hold(key, ttl=self.short):
            self.advance(store, self.short)
            other = self.take(store, key)
        assert store.lock.extend(key, other.token, self.long), "the end of the block must not free another's lock"
