# ruff: noqa: S101, PLR2004
"""Keyed stores: register, register_if_absent, consume, delete, and what happens only if a value is the expected one."""

from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.keyed import KeyedStore
from botstate.testing.conformance.exact_values import short
from botstate.testing.conformance.keyed_base import KeyedBase, keys_of, listed

#: Pairs that some language or database takes for equal; exact JSON does not.
UNEQUAL: list[tuple[Any, Any]] = [
    (1, 1.0),
    (1, True),
    (0, False),
    (0.0, -0.0),
    (1, "1"),
    (None, False),
    (None, "null"),
    ([], {}),
    ("", None),
    ("a", "A"),
    ("a", "a "),
    ("a", "a\x00"),
    ("\u00e9", "e\u0301"),
    (2**70, float(2**70)),
    (2**53, 2**53 + 1),
    ([1, 2], [2, 1]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": [{"b": 1, "c": 2}]}, {"a": [{"c": 2, "b": 1}]}),
]


class KeyedWriteConformance(KeyedBase):
    """One entry at a time."""

    def test_register_stores_and_returns_nothing(self, entries: KeyedStore) -> None:
        assert entries.register("a", {"by": "ann"}) is None, "register returns nothing"
        assert entries.lookup("a") == {"by": "ann"}, "what was registered is found"
        assert entries.lookup("a") == {"by": "ann"}, "lookup must not remove the value"

    def test_register_replaces_and_makes_the_entry_the_newest(self, entries: KeyedStore) -> None:
        for key in "abc":
            entries.register(key, "first")
        entries.register("a", "second")
        assert listed(entries) == [["b", "first"], ["c", "first"], ["a", "second"]], (
            "register writes anew: the entry's place in the order is that of the newest"
        )
        assert entries.count() == 3, "an entry that is written anew is counted once"

    def test_register_begins_the_expiry_anew(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("longer", 1, ttl=self.short)
        entries.register("longer", 2, ttl=self.long)
        entries.register("forever", 1, ttl=self.short)
        entries.register("forever", 2)
        entries.register("shorter", 1)
        entries.register("shorter", 2, ttl=self.short)
        self.advance(store, self.short)
        assert entries.lookup("longer") == 2, "a later register's longer ttl must hold"
        assert entries.lookup("forever") == 2, "register without a ttl must clear the earlier one"
        assert entries.lookup("shorter", "gone") == "gone", "a later register's shorter ttl must hold"

    def test_register_begins_the_time_of_creation_anew(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", 1)
        before = entries.lookup_entry("a")
        self.advance(store, self.short)
        entries.register("a", 1)
        after = entries.lookup_entry("a")
        assert before is not None and after is not None
        assert after.created_at - after.found_at > before.created_at - after.found_at, (
            "an entry that is written anew is created anew, even with the same value"
        )

    def test_register_if_absent_stores_once(self, entries: KeyedStore) -> None:
        assert entries.register_if_absent("a", "first") is True, "the first register_if_absent is True"
        assert entries.register_if_absent("a", "second") is False, "a second one is False"
        assert entries.lookup("a") == "first", "register_if_absent must leave the live value"

    def test_register_if_absent_takes_a_stored_none_for_a_value(self, entries: KeyedStore) -> None:
        entries.register("a", None)
        assert entries.register_if_absent("a", 1) is False, "a stored None is a live entry"
        assert entries.lookup("a", "default") is None, "register_if_absent must leave a stored None"

    def test_register_if_absent_leaves_the_order(self, entries: KeyedStore) -> None:
        for key in "abc":
            entries.register(key, 1)
        before = entries.entries()
        assert not entries.register_if_absent("a", 2)
        assert entries.entries() == before, "register_if_absent must leave a live entry's place and times alone"

    def test_register_if_absent_leaves_the_expiry(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("short", 1, ttl=self.short)
        entries.register("long", 1, ttl=self.long)
        assert not entries.register_if_absent("short", 2, ttl=self.long)
        assert not entries.register_if_absent("long", 2, ttl=self.short)
        self.advance(store, self.short)
        assert entries.lookup("short", "gone") == "gone", "register_if_absent must not prolong a live entry"
        assert entries.lookup("long") == 1, "register_if_absent must not shorten a live entry"

    def test_register_if_absent_claims_what_expired(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", "old", ttl=self.short)
        entries.register("b", 1)
        self.advance(store, self.short)
        assert entries.register_if_absent("a", "new") is True, "what expired is absent"
        assert listed(entries) == [["b", 1], ["a", "new"]], "a claim of what expired is a new entry, the newest"
        self.advance(store, self.short)
        assert entries.lookup("a") == "new", "it must not inherit the expiry of what was there"

    def test_register_if_absent_after_a_removal(self, entries: KeyedStore) -> None:
        for remove in (entries.consume, entries.delete):
            assert entries.register_if_absent("a", 1), f"a key is free after {remove.__name__}"
            remove("a")
        assert entries.register_if_absent("a", 1), "a key that was deleted can be claimed again"

    def test_consume_removes_what_it_returns(self, entries: KeyedStore) -> None:
        entries.register("a", {"a": 1}, ttl=self.long)
        entries.register("b", None)
        assert entries.consume("a") == {"a": 1}, "consume returns the value"
        assert entries.consume("a", "gone") == "gone", "a value can be consumed once"
        assert entries.consume("a") is None, "consume without a default gives None"
        assert entries.consume("b", "gone") is None, "consume returns a stored None, not the default"
        assert (entries.count(), entries.entries()) == (0, []), "a consumed entry is gone"

    def test_delete_says_whether_there_was_an_entry(self, entries: KeyedStore) -> None:
        assert entries.delete("a") is False, "delete of nothing is False"
        entries.register("a", None)
        entries.register("b", 1)
        assert entries.delete("a") is True, "delete of an entry, even of None, is True"
        assert entries.delete("a") is False, "a second delete is False"
        assert listed(entries) == [["b", 1]], "delete must touch its own key only"

    def test_delete_if_removes_the_expected_value_only(self, entries: KeyedStore) -> None:
        assert entries.delete_if("a", None) is False, "an absent entry equals nothing, not even None"
        entries.register("a", {"n": 1})
        assert entries.delete_if("a", {"n": 2}) is False, "delete_if of another value is False"
        assert entries.lookup("a") == {"n": 1}, "delete_if must leave another value"
        assert entries.delete_if("a", {"n": 1}) is True, "delete_if of the expected value is True"
        assert entries.delete_if("a", {"n": 1}) is False, "what was deleted equals nothing"
        assert entries.count() == 0, "delete_if removes the entry"

    def test_compare_and_set_replaces_the_expected_value_only(self, entries: KeyedStore) -> None:
        assert entries.compare_and_set("a", None, 1) is False, "an absent entry equals nothing, not even None"
        assert entries.count() == 0, "a compare_and_set that fails must write nothing"
        entries.register("a", None)
        assert entries.compare_and_set("a", None, {"n": 1}) is True, "a stored None equals None"
        assert entries.compare_and_set("a", {"n": 2}, "no") is False, "compare_and_set of another value is False"
        assert entries.lookup("a") == {"n": 1}, "a compare_and_set that fails must leave the value"
        assert entries.compare_and_set("a", {"n": 1}, {"n": 2}) is True, "compare_and_set of the expected value is True"
        assert entries.lookup("a") == {"n": 2}, "compare_and_set must store the new value"

    @pytest.mark.parametrize("pair", UNEQUAL, ids=lambda pair: f"{pair!a:.60}")
    def test_what_is_expected_is_compared_exactly(self, entries: KeyedStore, pair: tuple[Any, Any]) -> None:
        for stored, expected in (pair, pair[::-1]):
            said = f"{short(stored)} is not {short(expected)}"
            entries.register("a", stored)
            assert entries.compare_and_set("a", expected, "new") is False, said
            assert entries.delete_if("a", expected) is False, said
            assert entries.compare_and_set("a", stored, stored) is True, f"{short(stored)} is itself"
            assert entries.delete_if("a", stored) is True, f"{short(stored)} is itself"

    def test_compare_and_set_writes_as_register_does(self, store: StateStore, entries: KeyedStore) -> None:
        for key in "abc":
            entries.register(key, 1, ttl=self.short)
        assert not entries.compare_and_set("a", 2, 3, ttl=self.long)
        assert keys_of(entries) == ["a", "b", "c"], "a compare_and_set that fails must leave the order"
        assert entries.compare_and_set("b", 1, 2)
        assert keys_of(entries) == ["a", "c", "b"], "compare_and_set makes the entry the newest"
        assert entries.compare_and_set("c", 1, 1, ttl=self.long)
        self.advance(store, self.short)
        assert listed(entries) == [["b", 2], ["c", 1]], "compare_and_set begins the expiry anew, and only if it writes"

    def test_what_expired_equals_nothing(self, store: StateStore, entries: KeyedStore) -> None:
        for key in "abcd":
            entries.register(key, 1, ttl=self.short)
        self.advance(store, self.short)
        assert entries.compare_and_set("a", 1, 2) is False, "what expired cannot be replaced"
        assert entries.delete_if("b", 1) is False, "what expired cannot be deleted"
        assert entries.delete("c") is False, "delete of what expired is False"
        assert entries.consume("d", "gone") == "gone", "consume must not return what expired"
        assert (entries.count(), entries.entries()) == (0, []), "what expired stays expired"
