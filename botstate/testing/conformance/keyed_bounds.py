# ruff: noqa: S101, PLR2004
"""Keyed stores: the bound of a namespace, and what happens to what comes after it."""

from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import LimitExceeded
from botstate.keyed import UNCHANGED
from botstate.testing.conformance.keyed_base import KeyedBase, Opener, keys_of, listed, refusal

REJECTING: dict[str, Any] = {"max_entries": 2, "overflow": "reject-new"}


class KeyedEvictionConformance(KeyedBase):
    """A full namespace drops what was written longest ago."""

    def test_what_was_written_longest_ago_is_dropped(self, opened: Opener) -> None:
        entries = opened(max_entries=3)
        for number in range(7):
            entries.register(f"key {number}", number)
            assert entries.count() == min(number + 1, 3), "after a write there are at most max_entries"
        assert listed(entries) == [["key 4", 4], ["key 5", 5], ["key 6", 6]], "the newest stay"
        assert entries.lookup("key 3", "gone") == "gone", "what was dropped is gone"

    def test_a_bound_of_one(self, opened: Opener) -> None:
        entries = opened(max_entries=1)
        for number in range(3):
            entries.register(f"key {number}", number)
            assert listed(entries) == [[f"key {number}", number]], "what was just written stays"

    def test_writing_anew_counts_as_writing(self, opened: Opener) -> None:
        entries = opened(max_entries=3)
        for key in "abc":
            entries.register(key, 1)
        entries.register("a", 2)
        assert keys_of(entries) == ["b", "c", "a"], "an entry that is written anew drops no other"
        entries.update("b", lambda had: had)
        entries.compare_and_set("c", 1, 1)
        entries.register("d", 1)
        assert keys_of(entries) == ["b", "c", "d"], "what goes was written longest ago, not first created"

    def test_reading_and_failing_do_not_count_as_writing(self, opened: Opener) -> None:
        entries = opened(max_entries=2)
        entries.register("a", 1)
        entries.register("b", 1)
        entries.lookup("a")
        entries.lookup_entry("a")
        entries.register_if_absent("a", 2)
        entries.compare_and_set("a", 2, 3)
        entries.delete_if("a", 2)
        entries.register("c", 1)
        assert keys_of(entries) == ["b", "c"], "only writing keeps an entry from being the next to go"

    def test_every_way_of_writing_keeps_the_bound(self, opened: Opener) -> None:
        entries = opened(max_entries=2)
        entries.register("a", 1)
        entries.register("b", 1)
        assert entries.register_if_absent("c", 1), "register_if_absent makes room for what is new"
        assert keys_of(entries) == ["b", "c"]
        entries.update("d", lambda had: 1)
        assert keys_of(entries) == ["c", "d"], "update makes room for what is new"
        assert entries.register_if_absent("b", 2), "what was dropped is absent"
        assert listed(entries) == [["d", 1], ["b", 2]]

    def test_what_expired_takes_no_room(self, store: StateStore, opened: Opener) -> None:
        entries = opened(max_entries=3)
        entries.register("old", 1)
        entries.register("short", 1, ttl=self.short)
        entries.register("shorter", 1, ttl=self.short)
        self.advance(store, self.short)
        entries.register("new", 1)
        entries.register("newer", 1)
        assert keys_of(entries) == ["old", "new", "newer"], "what expired goes before anything that lives"
        entries.register("newest", 1)
        assert keys_of(entries) == ["new", "newer", "newest"], "and takes no room after that"

    def test_what_expired_takes_no_room_when_it_is_claimed_again(self, store: StateStore, opened: Opener) -> None:
        entries = opened(max_entries=2)
        entries.register("a", 1, ttl=self.short)
        entries.register("b", 1)
        self.advance(store, self.short)
        assert entries.register_if_absent("a", 2)
        assert listed(entries) == [["b", 1], ["a", 2]], "an entry in place of an expired one drops nothing"

    def test_removals_make_room(self, opened: Opener) -> None:
        entries = opened(max_entries=2)
        for round_ in range(3):
            entries.register("a", round_)
            entries.register("b", round_)
            entries.consume("a")
            entries.register("c", round_)
            assert keys_of(entries) == ["b", "c"], "consume makes room"
            entries.delete("c")
            entries.register("a", round_)
            assert keys_of(entries) == ["b", "a"], "delete makes room"
            assert entries.delete_if("b", round_)
            entries.register("c", round_)
            assert keys_of(entries) == ["a", "c"], "delete_if makes room"
            assert entries.clear() == 2
            assert entries.count() == 0

    def test_a_bound_is_its_namespaces_own(self, opened: Opener) -> None:
        small, large, boundless = opened("small", max_entries=1), opened("large", max_entries=3), opened("none")
        for number in range(4):
            for entries in (small, large, boundless):
                entries.register(f"key {number}", number)
        assert [small.count(), large.count(), boundless.count()] == [1, 3, 4], "no bound reaches another namespace"

    def test_what_expired_of_another_namespace_makes_no_room(self, store: StateStore, opened: Opener) -> None:
        entries, other = opened(max_entries=2), opened("other")
        other.register("short", 1, ttl=self.short)
        other.register("long", 1)
        self.advance(store, self.short)
        for key in "abcd":
            entries.register(key, 1)
        assert (keys_of(entries), entries.count()) == (["c", "d"], 2), "a namespace makes room by entries of its own"
        assert (keys_of(other), other.count()) == (["long"], 1), "and leaves others' to them"

    def test_a_bound_that_is_lowered_holds_after_the_next_write(self, opened: Opener) -> None:
        for number in range(6):
            opened().register(f"key {number}", number)
        entries = opened(max_entries=2)
        assert entries.count() == 6, "opening writes nothing"
        entries.register("key 0", "again")
        assert listed(entries) == [["key 5", 5], ["key 0", "again"]], "after a write there are at most max_entries"
        raised = opened(max_entries=3)
        raised.register("new", 1)
        assert keys_of(raised) == ["key 5", "key 0", "new"], "the bound is that of the store that writes"


class KeyedRejectionConformance(KeyedBase):
    """A full namespace refuses what is new."""

    def test_a_new_entry_is_refused_and_everything_stays(self, opened: Opener) -> None:
        entries = opened(**REJECTING)
        entries.register("a", 1)
        assert entries.register_if_absent("b", 1) is True, "up to the bound there is room"
        before = entries.entries()
        said = refusal("register", LimitExceeded, entries.register, "c", 1)
        assert "2" in said, f"the refusal names the bound: {said}"
        refusal("register_if_absent", LimitExceeded, entries.register_if_absent, "c", 1)
        refusal("update", LimitExceeded, entries.update, "c", lambda had: 1)
        assert entries.entries() == before, "a refused entry changes nothing"
        assert entries.lookup("c", "missing") == "missing", "a refused entry is not stored"

    def test_live_entries_can_be_written_anew(self, opened: Opener) -> None:
        entries = opened(**REJECTING)
        entries.register("a", 1)
        entries.register("b", 1)
        entries.register("a", 2)
        assert entries.register_if_absent("b", 2) is False, "a live entry is present, full or not"
        assert entries.update("b", lambda had: had + 1) == 2, "a full namespace lets live entries be updated"
        assert entries.compare_and_set("a", 2, 3) is True, "a full namespace lets live entries be replaced"
        assert entries.compare_and_set("c", 1, 2) is False, "what is absent equals nothing, full or not"
        assert listed(entries) == [["b", 2], ["a", 3]]

    def test_an_update_that_writes_nothing_is_not_refused(self, opened: Opener) -> None:
        entries = opened(max_entries=1, overflow="reject-new")
        entries.register("a", 1)
        assert entries.update("b", lambda had: UNCHANGED, default="none") == "none"

    @pytest.mark.parametrize("how", ["consume", "delete", "delete_if", "clear"])
    def test_a_removal_makes_room(self, opened: Opener, how: str) -> None:
        entries = opened(**REJECTING)
        entries.register("a", 1)
        entries.register("b", 1)
        arguments = {"clear": (), "delete_if": ("a", 1)}.get(how, ("a",))
        getattr(entries, how)(*arguments)
        entries.register("c", 1)
        assert "c" in keys_of(entries), f"after {how} there is room"
        if how != "clear":
            refusal("register", LimitExceeded, entries.register, "a", 1)

    def test_what_expired_makes_room(self, store: StateStore, opened: Opener) -> None:
        entries = opened(**REJECTING)
        entries.register("a", 1, ttl=self.short)
        entries.register("b", 1)
        refusal("register", LimitExceeded, entries.register, "c", 1)
        self.advance(store, self.short)
        entries.register("c", 1)
        assert keys_of(entries) == ["b", "c"], "what expired never counts"
        refusal("register", LimitExceeded, entries.register, "a", 1)

    def test_an_expired_entry_of_the_same_key_makes_room_for_itself(self, store: StateStore, opened: Opener) -> None:
        entries = opened(**REJECTING)
        entries.register("a", 1, ttl=self.short)
        entries.register("b", 1)
        self.advance(store, self.short)
        assert entries.register_if_absent("a", 2) is True, "the claim of what expired takes its room"
        refusal("register", LimitExceeded, entries.register, "c", 1)
        assert listed(entries) == [["b", 1], ["a", 2]]

    def test_what_expired_is_new_to_a_bound_that_is_lowered(self, store: StateStore, opened: Opener) -> None:
        for key in "abc":
            opened().register(key, 1)
        opened().register("expired", 1, ttl=self.short)
        self.advance(store, self.short)
        entries = opened(**REJECTING)
        refusal("register", LimitExceeded, entries.register, "expired", 2)
        refusal("register_if_absent", LimitExceeded, entries.register_if_absent, "expired", 2)
        assert listed(entries) == [["a", 1], ["b", 1], ["c", 1]], "what expired has no place to come back to"

    def test_a_bound_that_is_lowered_refuses_until_there_is_room(self, opened: Opener) -> None:
        for key in "abcd":
            opened().register(key, 1)
        entries = opened(**REJECTING)
        entries.register("a", 2)
        assert keys_of(entries) == ["b", "c", "d", "a"], "rejecting drops nothing"
        for key in "bc":
            refusal("register", LimitExceeded, entries.register, "new", 1)
            entries.delete(key)
        refusal("register", LimitExceeded, entries.register, "new", 1)
        entries.delete("d")
        entries.register("new", 1)
        assert keys_of(entries) == ["a", "new"]
