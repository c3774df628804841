# ruff: noqa: S101, PLR2004
"""Keyed stores: lookup, lookup_entry, lookup_many, entries, count and clear."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import BadArgument
from botstate.keyed import Entry, FoundEntry, KeyedStore
from botstate.testing.conformance.exact_values import is_same
from botstate.testing.conformance.keyed_base import KeyedBase, keys_of, refusal

TTL = timedelta(minutes=30)


class _Word(str, Enum):  # noqa: UP042 - a StrEnum would write itself as its value
    KEY = "key"


class KeyedLookupConformance(KeyedBase):
    """Reading changes nothing, and sees only what lives."""

    def test_lookup_of_a_key_never_registered_gives_the_default(self, entries: KeyedStore) -> None:
        default = object()
        assert entries.lookup("a") is None, "lookup without a default gives None"
        assert entries.lookup("a", default) is default, "lookup gives the very default"
        assert entries.consume("a", default) is default, "consume gives the very default"
        assert entries.count() == 0, "a default must not be stored"

    def test_a_stored_none_is_a_value(self, entries: KeyedStore) -> None:
        entries.register("a", None)
        assert entries.lookup("a", "default") is None, "a stored None is not a missing value"
        assert entries.lookup_many(["a", "b"], "default") == [None, "default"]
        found = entries.lookup_entry("a")
        assert found is not None and found.value is None, "an entry of None is an entry"
        assert entries.count() == 1, "a stored None is counted"

    def test_lookup_entry_has_the_times_of_the_stores_clock(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", {"n": 1}, ttl=TTL)
        entries.register("b", 2)
        found, forever = entries.lookup_entry("a"), entries.lookup_entry("b")
        assert type(found) is FoundEntry and type(forever) is FoundEntry
        assert (found.key, found.value) == ("a", {"n": 1})
        assert found.expires_at is not None and forever.expires_at is None, "without a ttl there is no expires_at"
        for moment in (found.created_at, found.expires_at, found.found_at, forever.created_at):
            assert moment.utcoffset() == timedelta(0), "times are aware, in UTC"
        assert found.expires_at - found.created_at == TTL, "expires_at is the ttl from created_at, exactly"
        assert found.created_at <= found.found_at < found.expires_at, "an entry is found in its lifetime"
        assert abs(datetime.now(UTC) - found.found_at) < timedelta(days=1), "the store's clock tells the time"

    def test_lookup_entry_tells_how_old_an_entry_is(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", 1)
        self.advance(store, self.short)
        found = entries.lookup_entry("a")
        assert found is not None
        age = (found.found_at - found.created_at).total_seconds()
        assert self.short <= age < self.short + 60, f"found_at and created_at are by one clock; it was {age} s"
        self.advance(store, self.short)
        again = entries.lookup_entry("a")
        assert again is not None and again.found_at - again.created_at > found.found_at - found.created_at

    def test_lookup_entry_of_what_is_not_there_is_none(self, store: StateStore, entries: KeyedStore) -> None:
        assert entries.lookup_entry("a") is None, "lookup_entry of nothing is None"
        entries.register("a", 1, ttl=self.short)
        self.advance(store, self.short)
        assert entries.lookup_entry("a") is None, "lookup_entry of what expired is None"

    def test_lookup_many_is_positional(self, entries: KeyedStore) -> None:
        for number, key in enumerate("abc"):
            entries.register(key, number)
        assert entries.lookup_many(["c", "missing", "a", "c"]) == [2, None, 0, 2], (
            "one value for each key, in their order"
        )
        default = object()
        (got,) = entries.lookup_many(("missing",), default)
        assert got is default, "lookup_many gives the very default"

    def test_lookup_many_leaves_out_what_expired(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", 1, ttl=self.short)
        entries.register("b", 2, ttl=self.long)
        self.advance(store, self.short)
        assert entries.lookup_many(["a", "b"], "gone") == ["gone", 2], "what expired is not returned"

    def test_lookup_many_of_no_keys_and_of_10_000(self, entries: KeyedStore) -> None:
        assert entries.lookup_many([]) == [], "no keys, no values"
        entries.register("key 0", "first")
        entries.register("key 9999", "last")
        got = entries.lookup_many([f"key {number}" for number in range(10_000)])
        assert (len(got), got[0], got[-1]) == (10_000, "first", "last"), "lookup_many takes 10,000 keys"
        said = refusal("lookup_many", BadArgument, entries.lookup_many, ["a"] * 10_001)
        assert "10000" in said.replace(",", ""), f"the refusal names the bound: {said}"

    @pytest.mark.parametrize(
        "bad", ["abc", b"abc", None, 7, {"a"}, {"a": 1}, iter(["a"])], ids=lambda bad: repr(bad)[:9]
    )
    def test_lookup_many_refuses_what_is_no_list_of_keys(self, entries: KeyedStore, bad: Any) -> None:
        assert "keys" in refusal("lookup_many", BadArgument, entries.lookup_many, bad)

    def test_entries_are_listed_oldest_first(self, entries: KeyedStore) -> None:
        assert entries.entries() == [], "where nothing was written there are no entries"
        for number, key in enumerate(["b", "c", "a"]):
            entries.register(key, [number], ttl=TTL if number else None)
        got = entries.entries()
        assert [type(entry) for entry in got] == [Entry] * 3
        assert is_same([[entry.key, entry.value] for entry in got], [["b", [0]], ["c", [1]], ["a", [2]]]), (
            "entries are in the order in which they were written"
        )
        assert got == sorted(got, key=lambda entry: entry.created_at), "and so are their times"
        for entry in got:
            found = entries.lookup_entry(entry.key)
            assert found is not None
            assert (entry.created_at, entry.expires_at) == (found.created_at, found.expires_at), (
                "entries and lookup_entry tell the same times"
            )

    def test_many_entries_of_one_moment_keep_their_order(self, entries: KeyedStore) -> None:
        keys = [f"{number * 7 % 40}" for number in range(40)]
        for key in keys:
            entries.register(key, 1)
        assert keys_of(entries) == keys, "the order is that of writing, not of keys or times"

    def test_count_and_entries_leave_out_what_expired(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("short", 1, ttl=self.short)
        entries.register("long", 1, ttl=self.long)
        entries.register("forever", 1)
        assert entries.count() == 3, "count is that of the live entries"
        self.advance(store, self.short)
        assert entries.count() == 2, "what expired is not counted"
        assert keys_of(entries) == ["long", "forever"], "what expired is not listed"

    def test_clear_says_how_many_live_entries_it_removed(self, store: StateStore, entries: KeyedStore) -> None:
        assert entries.clear() == 0, "clear of nothing removes nothing"
        entries.register("short", 1, ttl=self.short)
        for number in range(3):
            entries.register(f"key {number}", number)
        self.advance(store, self.short)
        assert entries.clear() == 3, "clear counts what lived"
        assert (entries.count(), entries.entries(), entries.lookup("key 1")) == (0, [], None), "nothing is left"
        assert entries.clear() == 0, "a second clear removes nothing"
        entries.register("new", 1)
        assert keys_of(entries) == ["new"], "what was cleared can be written to again"

    def test_reading_does_not_prolong(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", 1, ttl=self.short)
        self.advance(store, self.short / 2)
        entries.lookup("a")
        entries.lookup_entry("a")
        entries.lookup_many(["a"])
        entries.entries()
        entries.entries_in_range()
        self.advance(store, self.short / 2)
        assert entries.lookup("a", "gone") == "gone", "reading must not prolong the ttl"

    def test_a_key_of_a_subclass_of_str_is_a_plain_one(self, entries: KeyedStore) -> None:
        entries.register(_Word.KEY, 1)
        assert entries.lookup_many(["key", _Word.KEY]) == [1, 1], "it is the key that it is equal to"
        found = entries.lookup_entry(_Word.KEY)
        assert found is not None
        keys = [found.key] + [entry.key for entry in entries.entries() + entries.entries_in_range(start=_Word.KEY)]
        assert keys == ["key"] * 3
        assert {type(key) for key in keys} == {str}, "keys come back as plain text"
        assert entries.consume("key") == 1
