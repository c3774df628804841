# ruff: noqa: S101, PLR2004
"""Keyed stores: what is refused, before anything is written."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import BadArgument, LimitExceeded
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.testing.conformance.base import refused
from botstate.testing.conformance.durations import BAD_DURATIONS
from botstate.testing.conformance.keyed_base import KeyedBase, Opener, listed, refusal
from botstate.testing.conformance.keys import BAD_KEYS
from botstate.testing.conformance.numbers import DURATIONS, TWOS

#: Every method that takes a key, with arguments that are otherwise good.
WITH_KEY: dict[str, Callable[[KeyedStore, Any], Any]] = {
    "register": lambda entries, key: entries.register(key, 1),
    "register_if_absent": lambda entries, key: entries.register_if_absent(key, 1),
    "lookup": lambda entries, key: entries.lookup(key),
    "lookup_entry": lambda entries, key: entries.lookup_entry(key),
    "lookup_many": lambda entries, key: entries.lookup_many(["good", key]),
    "consume": lambda entries, key: entries.consume(key),
    "update": lambda entries, key: entries.update(key, lambda had: 1),
    "compare_and_set": lambda entries, key: entries.compare_and_set(key, 1, 2),
    "delete": lambda entries, key: entries.delete(key),
    "delete_if": lambda entries, key: entries.delete_if(key, 1),
}
#: Every method that takes a ttl; key "a" is there and has the value 1.
WITH_TTL: dict[str, Callable[[KeyedStore, str, Any], Any]] = {
    "register": lambda entries, key, ttl: entries.register(key, 2, ttl),
    "register_if_absent": lambda entries, key, ttl: entries.register_if_absent(key, 2, ttl),
    "update": lambda entries, key, ttl: entries.update(key, lambda had: 2, ttl),
    "compare_and_set": lambda entries, key, ttl: entries.compare_and_set(key, 1, 2, ttl),
}
BAD_NAMESPACES: dict[str, Any] = {
    "empty": "",
    "256 characters": "n" * 256,
    "a lone surrogate": "a\ud800",
    "None": None,
    "an int": 7,
    "bytes": b"name",
}
BAD_COUNTS: list[Any] = [0, -1, 1.0, 1.5, "1", True, False, [1]]
BAD_OPTIONS: dict[str, dict[str, Any]] = {
    "an unknown overflow": {"max_entries": 1, "overflow": "drop-oldest"},
    "an overflow of None": {"max_entries": 1, "overflow": None},
    "an overflow that is a list": {"max_entries": 1, "overflow": ["reject-new"]},
    "reject-new without a bound": {"overflow": "reject-new"},
    "retained with a bound": {"retained": True, "max_entries": 1},
    "retained with a default_ttl": {"retained": True, "default_ttl": "1h"},
    "retained with an overflow": {"retained": True, "overflow": "reject-new"},
    "retained with all of them": {"retained": True, "max_entries": 1, "default_ttl": 1, "overflow": "reject-new"},
}
BAD_RANGES: dict[str, dict[str, Any]] = {
    **{f"a limit of {bad!r}": {"limit": bad} for bad in BAD_COUNTS},
    "a limit of None": {"limit": None},
    "a limit of 10,001": {"limit": 10_001},
    "a huge limit": {"limit": 10**30},
    "an order of ASC": {"order": "ASC"},
    "an order of None": {"order": None},
    "an order that is a list": {"order": ["asc"]},
    "an empty start": {"start": ""},
    "an empty end": {"end": ""},
    "a start of 1,026 characters": {"start": "k" * 1_026},
    "an end of 1,026 characters": {"end": "k" * 1_026},
    "a start with a lone surrogate": {"start": "\ud800"},
    "an end that is an int": {"end": 7},
    "a start of bytes": {"start": b"a"},
}


class KeyedArgumentConformance(KeyedBase):
    """A bad argument is a BadArgument, which is a ValueError, and names its bound."""

    def test_a_bad_argument_is_a_value_error(self, entries: KeyedStore) -> None:
        assert "1 to 1024 characters" in refused("register", ValueError, entries.register, "", 1)

    @pytest.mark.parametrize("bad", list(BAD_KEYS))
    def test_every_method_refuses_a_bad_key(self, entries: KeyedStore, bad: str) -> None:
        entries.register("good", 1)
        for name, call in WITH_KEY.items():
            said = refusal(name, BadArgument, call, entries, BAD_KEYS[bad])
            bound = "UTF-8" if "surrogate" in bad else "1 to 1024 characters"
            assert bound in said.replace(",", ""), f"{name} must name the bound when it refuses a key ({bad}): {said}"
        assert listed(entries) == [["good", 1]], "a refused key writes nothing"

    @pytest.mark.parametrize("bad", list(BAD_DURATIONS))
    def test_every_method_refuses_a_bad_ttl(self, entries: KeyedStore, bad: str) -> None:
        entries.register("a", 1)
        for name, call in WITH_TTL.items():
            for key in ("a", "b"):
                said = refusal(name, BadArgument, call, entries, key, BAD_DURATIONS[bad])
                assert "ttl" in said, f"{name} must name ttl when it refuses {bad}: {said}"
        assert listed(entries) == [["a", 1]], "a refused ttl writes nothing"

    @pytest.mark.parametrize("bad", list(BAD_DURATIONS))
    def test_opening_refuses_a_bad_default_ttl(self, opened: Opener, bad: str) -> None:
        assert "default_ttl" in refusal("open", BadArgument, opened, default_ttl=BAD_DURATIONS[bad])

    @pytest.mark.parametrize("bad", list(BAD_NAMESPACES))
    def test_opening_refuses_a_bad_namespace(self, store: StateStore, bad: str) -> None:
        said = refusal("open", BadArgument, open_keyed_store, BAD_NAMESPACES[bad], store=store)
        assert "namespace" in said, f"the refusal names the argument: {said}"

    @pytest.mark.parametrize("bad", BAD_COUNTS, ids=repr)
    def test_opening_refuses_a_bad_bound(self, opened: Opener, bad: Any) -> None:
        assert "max_entries" in refusal("open", BadArgument, opened, max_entries=bad)

    @pytest.mark.parametrize("bad", list(BAD_OPTIONS))
    def test_opening_refuses_options_that_do_not_go_together(self, opened: Opener, bad: str) -> None:
        said = refusal("open", BadArgument, opened, **BAD_OPTIONS[bad])
        assert any(option in said for option in BAD_OPTIONS[bad]), f"the refusal names an argument: {said}"

    def test_a_retained_store_refuses_a_ttl(self, opened: Opener) -> None:
        retained = opened(retained=True)
        retained.register("a", 1)
        for name, call in WITH_TTL.items():
            for key in ("a", "b"):
                assert "ttl" in refusal(name, BadArgument, call, retained, key, 60)
        assert listed(retained) == [["a", 1]], "a refused ttl writes nothing"

    @pytest.mark.parametrize("bad", list(BAD_RANGES))
    def test_a_bad_range_is_refused(self, entries: KeyedStore, bad: str) -> None:
        (named,) = BAD_RANGES[bad]
        said = refusal("entries_in_range", BadArgument, entries.entries_in_range, **BAD_RANGES[bad])
        assert named in said, f"the refusal names the argument: {said}"

    def test_a_bound_may_be_huge(self, opened: Opener) -> None:
        for number, overflow in enumerate(["evict-oldest", "reject-new"]):
            for bound in (10**9, 2**53 + 1, 2**63, 10**30):
                entries = opened(f"{number}", max_entries=bound, overflow=overflow)
                entries.register("a", bound)
                assert entries.register_if_absent("a", 1) is False
                assert entries.lookup("a") == bound, f"max_entries may be {bound}"

    @pytest.mark.parametrize("kind", list(TWOS))
    def test_a_bound_may_be_of_a_subclass_of_int(self, opened: Opener, kind: str) -> None:
        evicting = opened("evicting", max_entries=TWOS[kind])
        rejecting = opened("rejecting", max_entries=TWOS[kind], overflow="reject-new")
        for number in range(4):
            evicting.register(f"{number}", number)
        for number in range(2):
            rejecting.register(f"{number}", number)
        refusal("register", LimitExceeded, rejecting.register, "2", 2)
        assert listed(evicting) == [["2", 2], ["3", 3]], f"a max_entries of 2 ({kind}) holds"
        assert listed(rejecting) == [["0", 0], ["1", 1]], f"a max_entries of 2 ({kind}) holds"
        assert evicting.max_entries == 2 and type(evicting.max_entries) is int

    @pytest.mark.parametrize("kind", list(TWOS))
    def test_a_limit_may_be_of_a_subclass_of_int(self, entries: KeyedStore, kind: str) -> None:
        for key in "abcd":
            entries.register(key, 1)
        for order, keys in (("asc", ["a", "b"]), ("desc", ["d", "c"])):
            page = entries.entries_in_range(limit=TWOS[kind], order=order)  # type: ignore[arg-type]
            assert [entry.key for entry in page] == keys, f"a limit of 2 ({kind}) is one"

    @pytest.mark.parametrize("kind", list(DURATIONS))
    def test_a_ttl_may_be_of_a_subclass(self, store: StateStore, opened: Opener, kind: str) -> None:
        opened().register("ttl", 1, ttl=DURATIONS[kind])
        opened(default_ttl=DURATIONS[kind]).register("default", 2)
        self.advance(store, self.short)
        assert listed(opened()) == [["ttl", 1], ["default", 2]], f"a ttl of a day and a half ({kind})"
