# ruff: noqa: S101
"""Keyed stores: entries_in_range."""

import pytest

from botstate.contracts.stores import StateStore
from botstate.keyed import Entry, KeyedStore
from botstate.testing.conformance.keyed_base import KeyedBase
from botstate.testing.conformance.keys import distinct_keys

#: In the order of code points, which is neither that of UTF-16 nor of any language.
IN_ORDER = [
    *[
        "\x00",
        "\x00\x00",
        "\n",
        " ",
        "!",
        "0",
        "10",
        "9",
        "A",
        "AA",
        "Z",
        "\\",
        "_",
        "a",
        "a\x00",
        "a ",
        "aa",
        "a\u0301",
    ],
    *["b", "z", "~", "\x7f", "\x80", "\u00c5", "\u00df", "\u00e5", "\u00e9", "\u0100", "\u07ff", "\u0800", "\u212b"],
    *["\ud7ff", "\ue000", "\ufb01", "\ufeff", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff"],
]
#: Beginnings that keys share: around what indexes and sorting buffers of databases hold, in bytes of UTF-8.
STEMS = {
    "254 bytes": "k" * 254,
    "255 bytes": "k" * 255,
    "256 bytes": "k" * 256,
    "255 bytes, amid a character": "k" * 253 + "\U0001f600",
    **{f"{count} bytes": "k" * count for count in (1_021, 1_022, 1_023)},
    "1,023 characters of 2 bytes": "\u00e9" * 1_023,
    "1,023 characters of 3 bytes": "\u212b" * 1_023,
    "1,023 characters of 4 bytes": "\U0001f600" * 1_023,
}


class KeyedRangeConformance(KeyedBase):
    """Live entries by key, in the order of code points."""

    @staticmethod
    def keys_in(entries: KeyedStore, *args: object, **kwargs: object) -> list[str]:
        """Return the keys of a range."""
        return [entry.key for entry in entries.entries_in_range(*args, **kwargs)]  # type: ignore[arg-type]

    @staticmethod
    def pages(entries: KeyedStore, limit: int, order: str) -> list[str]:
        """Read everything, page by page, as the contract says."""
        start: str | None = None
        end: str | None = None
        keys: list[str] = []
        while page := entries.entries_in_range(start, end, limit=limit, order=order):  # type: ignore[arg-type]
            assert len(page) <= limit, f"a page has at most {limit} entries, not {len(page)}"
            keys += [entry.key for entry in page]
            assert len(keys) == len(set(keys)), "no page repeats another's entries"
            if order == "asc":
                start = page[-1].key + "\0"
            else:
                end = page[-1].key
        return keys

    def test_start_is_included_and_end_is_not(self, entries: KeyedStore) -> None:
        for key in "dbac":
            entries.register(key, key.upper())
        assert self.keys_in(entries) == ["a", "b", "c", "d"], "without bounds everything is in the range, by key"
        assert self.keys_in(entries, "b", "d") == ["b", "c"], "start is included, end is not"
        assert self.keys_in(entries, "b") == ["b", "c", "d"], "None is no end"
        assert self.keys_in(entries, None, "c") == ["a", "b"], "None is no start"
        assert self.keys_in(entries, "aa", "cc") == ["b", "c"], "bounds need not be keys"
        assert self.keys_in(entries, "b", "b") == [], "from a key to itself there is nothing"
        assert self.keys_in(entries, "d", "b") == [], "a range that ends before it starts is empty"
        assert self.keys_in(entries, "e") == [], "after the last key there is nothing"
        assert self.keys_in(entries, end="a") == [], "before the first key there is nothing"

    def test_a_range_gives_whole_entries(self, entries: KeyedStore) -> None:
        entries.register("b", {"n": [1.0]}, ttl=self.long)
        entries.register("a", None)
        in_range = entries.entries_in_range()
        assert [type(entry) for entry in in_range] == [Entry, Entry]
        assert in_range == entries.entries()[::-1], "a range has the same entries as the list, with the same times"

    def test_the_limit_and_the_order(self, entries: KeyedStore) -> None:
        keys = [f"{number:03}" for number in range(105)]
        for key in reversed(keys):
            entries.register(key, 1)
        assert self.keys_in(entries) == keys[:100], "100 entries, unless more are asked for"
        assert self.keys_in(entries, limit=10_000) == keys, "the limit may be greater than what there is"
        assert self.keys_in(entries, limit=1) == keys[:1]
        assert self.keys_in(entries, "050", limit=2) == ["050", "051"], "the limit counts from the start on"
        assert self.keys_in(entries, order="desc", limit=3) == ["104", "103", "102"], (
            "desc begins with the greatest key"
        )
        assert self.keys_in(entries, "010", "013", order="desc") == ["012", "011", "010"], "with the same bounds as asc"
        assert self.keys_in(entries, "010", "013", 2, "desc") == ["012", "011"], "the limit counts from the end on"

    def test_keys_are_in_the_order_of_code_points(self, entries: KeyedStore) -> None:
        assert sorted(IN_ORDER, key=lambda key: key.encode("utf-16-be")) != IN_ORDER, "the keys tell the orders apart"
        keys = sorted(IN_ORDER)
        for key in reversed(keys):
            entries.register(key, 1)
        assert self.keys_in(entries) == keys, "keys are in the order of their code points"
        assert self.keys_in(entries, order="desc") == keys[::-1], "and from the greatest on"
        for index, key in enumerate(keys):
            assert self.keys_in(entries, key, limit=2) == keys[index : index + 2], f"a range may start at {key!a}"
            assert self.keys_in(entries, None, key) == keys[:index], f"a range may end at {key!a}"

    @pytest.mark.parametrize("stem", list(STEMS))
    def test_keys_that_begin_alike_are_compared_to_their_last_character(self, entries: KeyedStore, stem: str) -> None:
        ends = ["\x00", "\x01", "1", "2", "A", "a", "\u00e9", "\uffff", "\U0001f600"]
        keys = [STEMS[stem] + end for end in ends]
        for key in [keys[index * 4 % len(keys)] for index in range(len(keys))]:
            entries.register(key, key)
        assert [entry.value for entry in entries.entries_in_range()] == keys, (
            "a key is in its place, to its last character"
        )
        assert self.keys_in(entries, order="desc", limit=4) == keys[:-5:-1]
        for index, key in enumerate(keys):
            assert self.keys_in(entries, key, limit=1) == [key], "start is compared to its last character"
            assert self.keys_in(entries, end=key) == keys[:index], "end is compared to its last character"
        for order in ("asc", "desc"):
            assert self.pages(entries, 2, order) == keys[:: 1 if order == "asc" else -1], (
                f"pages reach every key, {order}"
            )

    def test_keys_of_1024_characters_are_paged_through(self, entries: KeyedStore) -> None:
        keys = sorted(letter * 1_024 for letter in "abc\u00e9\U0001f600")
        for key in keys:
            entries.register(key, 1)
        assert self.pages(entries, 1, "asc") == keys, (
            "the first key after one of 1,024 characters is a character longer"
        )
        assert self.pages(entries, 1, "desc") == keys[::-1]

    def test_keys_that_a_collation_would_merge_are_paged_through(self, entries: KeyedStore) -> None:
        keys = distinct_keys("stem")
        for number, key in enumerate(keys):
            entries.register(key, number)
        for limit in (1, 7, 100):
            assert self.pages(entries, limit, "asc") == sorted(keys), f"pages of {limit} reach every key once"
            assert self.pages(entries, limit, "desc") == sorted(keys, reverse=True), f"pages of {limit}, descending"

    def test_what_expired_is_in_no_range(self, store: StateStore, entries: KeyedStore) -> None:
        for number in range(20):
            entries.register(f"{number:02}", number, ttl=self.short if number % 3 else None)
        self.advance(store, self.short)
        live = ["00", "03", "06", "09", "12", "15", "18"]
        assert self.keys_in(entries) == live, "what expired is left out"
        assert self.keys_in(entries, limit=4) == live[:4], "and does not count towards the limit"
        assert self.pages(entries, 2, "asc") == live
        assert self.pages(entries, 2, "desc") == live[::-1]

    def test_a_removed_or_rewritten_entry_is_in_its_place(self, entries: KeyedStore) -> None:
        for key in "abcd":
            entries.register(key, 1)
        entries.delete("b")
        entries.consume("c")
        entries.register("a", 2)
        entries.register("c", 3)
        assert [[entry.key, entry.value] for entry in entries.entries_in_range()] == [["a", 2], ["c", 3], ["d", 1]]
        entries.clear()
        assert self.keys_in(entries) == [], "nothing that was cleared is in a range"
