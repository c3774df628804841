# ruff: noqa: S101, PLR2004
"""list: an append-only list per key, capped from its old end."""

from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase, refused

BAD_BOUNDS = [0, -1, 1.0, "1", True]
RANGES: list[tuple[int, int | None]] = [
    (0, None),
    (0, 0),
    (0, 4),
    (0, 99),
    (1, 3),
    (2, 2),
    (3, 2),
    (4, None),
    (5, None),
    (5, 5),
    (99, None),
    (0, 2**40),
    (2**40, 2**41),
]


class ListConformance(ConformanceBase):
    """append, range, trim and delete, caps, and expiry of the whole list."""

    def fill(self, store: StateStore, key: str, count: int) -> None:
        """Append 0, 1, … to the list."""
        for value in range(count):
            store.list.append(key, value)

    def test_append_returns_the_new_length(self, store: StateStore, key: str) -> None:
        assert [store.list.append(key, value) for value in "abc"] == [1, 2, 3], "append must return the new length"

    def test_range_is_oldest_first(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 12)
        assert store.list.range(key) == list(range(12)), "range must return the oldest first"
        assert store.list.range(key) == list(range(12)), "range must remove nothing"

    def test_range_of_no_list_is_empty(self, store: StateStore, key: str) -> None:
        assert store.list.range(key) == [], "a list that was never appended to is empty"
        assert store.list.range(key, 3, 5) == []

    @pytest.mark.parametrize(("start", "stop"), RANGES)
    def test_range_includes_both_ends(self, store: StateStore, key: str, start: int, stop: int | None) -> None:
        self.fill(store, key, 5)
        expected = list(range(5))[start : None if stop is None else stop + 1]
        assert store.list.range(key, start, stop) == expected, f"range({start}, {stop}) of 0..4 includes both ends"

    def test_range_counts_from_the_oldest_item_left(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 9)
        store.list.trim(key, 4)
        assert store.list.range(key, 1, 2) == [6, 7], "index 0 is the oldest item that is left"

    @pytest.mark.parametrize("bad", [-1, 1.0, "0", True, -(2**70)])
    def test_a_bad_index_is_refused(self, store: StateStore, key: str, bad: Any) -> None:
        said = [refused("list.range", ValueError, store.list.range, key, *indices) for indices in ((bad,), (0, bad))]
        assert "start" in said[0] and "stop" in said[1], f"range must name the index that it refuses: {said}"

    @pytest.mark.parametrize("bad", BAD_BOUNDS)
    def test_a_bad_max_len_is_refused(self, store: StateStore, key: str, bad: Any) -> None:
        said = refused("list.append", ValueError, store.list.append, key, 1, max_len=bad)
        assert "max_len" in said, f"append must name max_len when it refuses it: {said}"
        assert store.list.range(key) == [], "an append with a refused max_len must write nothing"

    @pytest.mark.parametrize("bad", [-1, 1.0, "1", True, None])
    def test_trim_to_a_bad_length_is_refused(self, store: StateStore, key: str, bad: Any) -> None:
        self.fill(store, key, 2)
        said = refused("list.trim", ValueError, store.list.trim, key, bad)
        assert "max_len" in said, f"trim must name max_len when it refuses it: {said}"
        assert store.list.range(key) == [0, 1], "a refused trim must drop nothing"

    def test_max_len_drops_the_oldest(self, store: StateStore, key: str) -> None:
        lengths = [store.list.append(key, value, max_len=3) for value in range(6)]
        assert lengths == [1, 2, 3, 3, 3, 3], "append must return the length after the cap"
        assert store.list.range(key) == [3, 4, 5], "max_len must drop the oldest"

    def test_max_len_holds_even_where_the_list_was_longer(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 7)
        assert store.list.append(key, 7, max_len=2) == 2, "after an append the length is at most max_len"
        assert store.list.range(key) == [6, 7]

    def test_max_len_of_one_keeps_the_new_item(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 2)
        assert store.list.append(key, "new", max_len=1) == 1
        assert store.list.range(key) == ["new"], "the new item is the newest, so it stays"

    def test_an_append_without_max_len_drops_nothing(self, store: StateStore, key: str) -> None:
        store.list.append(key, 0, max_len=1)
        assert store.list.append(key, 1) == 2, "a cap holds for the append that names it"

    def test_trim_keeps_the_newest(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 5)
        assert store.list.trim(key, 9) is None, "trim returns nothing"
        assert store.list.range(key) == [0, 1, 2, 3, 4], "trim to more than there are drops nothing"
        store.list.trim(key, 2)
        assert store.list.range(key) == [3, 4], "trim must keep the newest"
        assert store.list.append(key, 5) == 3, "append counts from what trim left"

    def test_trim_to_zero_empties(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 3)
        store.list.trim(key, 0)
        assert store.list.range(key) == [], "trim(key, 0) must empty the list"
        assert store.list.delete(key) is False, "an empty list does not exist"
        assert store.list.append(key, "new") == 1

    def test_trim_of_no_list_makes_none(self, store: StateStore, key: str) -> None:
        store.list.trim(key, 3)
        assert store.list.delete(key) is False, "trim must not make a list"

    def test_an_emptied_list_has_no_expiry_left(self, store: StateStore, key: str) -> None:
        store.list.append(key, "old", ttl=self.short)
        store.list.trim(key, 0)
        store.list.append(key, "new")
        self.advance(store, self.short)
        assert store.list.range(key) == ["new"], "an empty list does not exist and has no expiry to pass on"

    def test_delete_says_whether_there_was_a_list(self, store: StateStore, key: str) -> None:
        assert store.list.delete(key) is False, "delete of nothing is False"
        store.list.append(key, None)
        assert store.list.delete(key) is True, "delete of a list is True"
        assert store.list.range(key) == [], "a deleted list is gone"
        assert store.list.delete(key) is False, "a second delete is False"
        assert store.list.append(key, "new") == 1, "an append after delete starts a new list"
        assert store.list.range(key) == ["new"]

    def test_a_deleted_list_passes_no_expiry_on(self, store: StateStore, key: str) -> None:
        store.list.append(key, "old", ttl=self.short)
        store.list.delete(key)
        store.list.append(key, "new")
        self.advance(store, self.short)
        assert store.list.range(key) == ["new"], "a deleted list must not pass its expiry on"

    def test_a_list_expires_as_a_whole(self, store: StateStore, key: str) -> None:
        store.list.append(key, "first")
        store.list.append(key, "second", ttl=self.short)
        store.list.append(key, "third")
        self.advance(store, self.short)
        assert store.list.range(key) == [], "the whole list must expire, with the items that named no ttl"
        assert store.list.delete(key) is False, "delete of an expired list is False"

    def test_an_append_without_a_ttl_keeps_the_expiry(self, store: StateStore, key: str) -> None:
        store.list.append(key, 1, ttl=self.long)
        store.list.append(key, 2)
        self.advance(store, self.short)
        assert store.list.range(key) == [1, 2], "a list must not expire before its ttl"

    def test_an_append_with_a_ttl_sets_the_expiry_anew(self, store: StateStore, key: str) -> None:
        store.list.append(f"{key}:longer", 1, ttl=self.short)
        store.list.append(f"{key}:longer", 2, ttl=self.long)
        store.list.append(f"{key}:shorter", 1, ttl=self.long)
        store.list.append(f"{key}:shorter", 2, ttl=self.short)
        self.advance(store, self.short)
        assert store.list.range(f"{key}:longer") == [1, 2], "an append's longer ttl must hold for the whole list"
        assert store.list.range(f"{key}:shorter") == [], "an append's shorter ttl must hold for the whole list"

    def test_an_append_to_an_expired_list_starts_a_fresh_one_with_no_expiry(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 3)
        store.list.append(key, 3, ttl=self.short)
        self.advance(store, self.short)
        assert store.list.append(key, "new") == 1, "an append to an expired list starts a fresh one"
        assert store.list.range(key) == ["new"], "no expired item may come back to life"
        self.advance(store, self.short)
        assert store.list.range(key) == ["new"], "a fresh list must not inherit the old expiry"

    def test_trim_brings_nothing_back_to_life(self, store: StateStore, key: str) -> None:
        self.fill(store, key, 3)
        store.list.append(key, 3, ttl=self.short)
        self.advance(store, self.short)
        store.list.trim(key, 2)
        assert store.list.range(key) == [], "trim must not revive an expired list"
        assert store.list.append(key, "new", max_len=5) == 1, "an append after that starts a fresh list"

    def test_lists_do_not_touch_each_other(self, store: StateStore, key: str) -> None:
        for end in "ab":
            self.fill(store, key + end, 3)
        store.list.trim(f"{key}a", 1)
        store.list.append(f"{key}a", 9, max_len=1, ttl=self.short)
        self.advance(store, self.short)
        assert store.list.range(f"{key}b") == [0, 1, 2], "cap, trim and ttl hold for their own list only"
