# ruff: noqa: S101, PLR2004
"""Keyed stores: times-to-live, and that nothing which expired comes back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.keyed import KeyedStore
from botstate.testing.conformance.keyed_base import KeyedBase, Opener, keys_of, listed

WRITES: dict[str, Callable[[KeyedStore], object]] = {
    "register": lambda entries: entries.register("a", "new"),
    "register_if_absent": lambda entries: entries.register_if_absent("a", "new"),
    "update": lambda entries: entries.update("a", lambda had: "new"),
}


class KeyedExpiryConformance(KeyedBase):
    """What expired is gone, swept or not."""

    def test_an_entry_lives_for_its_ttl(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("short", 1, ttl=self.short)
        entries.register_if_absent("short too", 1, ttl=self.short)
        entries.register("long", 1, ttl=self.long)
        entries.register("forever", 1)
        assert entries.count() == 4
        self.advance(store, self.short)
        assert keys_of(entries) == ["long", "forever"], "an entry lives for its ttl, and without one for ever"

    def test_a_fraction_of_a_second_counts(self, store: StateStore, entries: KeyedStore, opened: Opener) -> None:
        entries.register("register", 1, ttl=self.fraction)
        entries.register_if_absent("register_if_absent", 1, ttl=self.fraction)
        entries.update("update", lambda had: 1, ttl=self.fraction)
        entries.register("compare_and_set", 1)
        entries.compare_and_set("compare_and_set", 1, 2, ttl=self.fraction)
        by_default = opened("by default", default_ttl=self.fraction)
        by_default.register("register", 1)
        self.advance(store, self.fraction)
        left = keys_of(entries) + keys_of(by_default)
        assert left == [], f"a ttl must end when it says, to a fraction of a second: {self.fraction} s"

    def test_the_namespaces_ttl_is_for_writes_that_name_none(self, store: StateStore, opened: Opener) -> None:
        entries = opened(default_ttl=self.short)
        entries.register("default", 1)
        entries.register_if_absent("default too", 1)
        entries.register("set", 1)
        entries.compare_and_set("set", 1, 2)
        entries.register("own", 1, ttl=self.long)
        entries.register_if_absent("own too", 1, ttl=timedelta(seconds=self.long))
        entries.register("set to own", 1)
        entries.compare_and_set("set to own", 1, 2, ttl=f"{self.long}s")
        assert entries.count() == 6
        self.advance(store, self.short)
        assert keys_of(entries) == ["own", "own too", "set to own"], "default_ttl holds where a write names no ttl"

    def test_the_namespaces_ttl_is_that_of_the_store_that_writes(self, store: StateStore, opened: Opener) -> None:
        opened(default_ttl=self.short).register("a", 1)
        opened().register("b", 1)
        assert opened(default_ttl=self.long).count() == 2
        self.advance(store, self.short)
        assert keys_of(opened(default_ttl=self.short)) == ["b"], "reading under another default_ttl changes no expiry"

    @pytest.mark.parametrize("write", list(WRITES))
    def test_nothing_comes_back_to_life(self, store: StateStore, entries: KeyedStore, write: str) -> None:
        entries.register("a", "old", ttl=self.short)
        entries.register("b", "old", ttl=self.short)
        self.advance(store, self.short)
        WRITES[write](entries)
        assert listed(entries) == [["a", "new"]], f"{write} after expiry stores the new value, and only that"
        self.advance(store, self.short)
        assert listed(entries) == [["a", "new"]], f"what {write} stored after an expiry must not inherit it"
        assert entries.consume("a") == "new"
        assert entries.lookup("a", "gone") == "gone", "what was replaced must not come back"
        assert entries.register_if_absent("b", "new"), "what expired beside it is still expired"

    def test_what_expired_does_not_come_back_through_a_removal(self, store: StateStore, entries: KeyedStore) -> None:
        for key in "abcd":
            entries.register(key, 1, ttl=self.short)
        self.advance(store, self.short)
        entries.delete("a")
        entries.consume("b")
        entries.delete_if("c", 1)
        entries.compare_and_set("d", 1, 2, ttl=self.long)
        assert (entries.lookup_many(list("abcd")), entries.count()) == ([None] * 4, 0), "what expired stays expired"
        assert entries.clear() == 0, "what expired is not counted by clear"

    @pytest.mark.parametrize("ttl", ["500ms", "90s", "5m", "12h", "30d", "1.5h", 36_500 * 86_400])
    def test_times_of_all_sizes_are_accepted(self, entries: KeyedStore, ttl: Any) -> None:
        entries.register("a", 1, ttl=ttl)
        if ttl != "500ms":
            found = entries.lookup_entry("a")
            assert found is not None and found.expires_at is not None, f"an entry with a ttl of {ttl} is there"

    def test_a_sweep_takes_what_expired_and_nothing_else(self, store: StateStore, opened: Opener) -> None:
        while any(store.sweep(10_000).values()):
            pass
        one, other = opened("one", max_entries=100), opened("other")
        for number in range(3):
            one.register(f"short {number}", 1, ttl=self.short)
            other.register(f"short {number}", 1, ttl=self.short)
            one.register(f"long {number}", 1, ttl=self.long)
            other.register(f"forever {number}", 1)
        self.advance(store, self.short)
        first = store.sweep(limit=2)
        assert max(first.values()) <= 2, f"sweep removes at most limit: {first}"
        rest = store.sweep()
        if not store.drops_expired:
            assert (first["keyed"], rest["keyed"]) == (2, 4), f"sweep counts entries: {first}, then {rest}"
        assert store.sweep().get("keyed", 0) == 0, "a second sweep finds nothing more"
        assert keys_of(one) == [f"long {number}" for number in range(3)], "sweep leaves what lives"
        assert keys_of(other) == [f"forever {number}" for number in range(3)], "sweep leaves what has no ttl"

    def test_a_sweep_leaves_the_bound_as_it_is(self, store: StateStore, opened: Opener) -> None:
        entries = opened(max_entries=3)
        for key in "abc":
            entries.register(key, 1, ttl=self.short)
        self.advance(store, self.short)
        store.sweep()
        for key in "defg":
            entries.register(key, 1)
        assert keys_of(entries) == ["e", "f", "g"], "after a sweep the bound holds exactly"
