# ruff: noqa: S101, PLR2004
"""Keyed stores: JSON in, equal JSON out; what is not JSON is refused before anything is written (P6)."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.exceptions import BadArgument, BotStateError, NotSerializable
from botstate.keyed import KeyedStore
from botstate.testing.conformance.exact_values import EXACT, REFUSED, is_same, short
from botstate.testing.conformance.keyed_base import KeyedBase, listed, refusal

#: Every method that takes a value; key "a" is there and has the value "before".
WRITES: dict[str, list[Callable[[KeyedStore, str, Any], object]]] = {
    "register": [lambda entries, key, value: entries.register(key, value)],
    "register_if_absent": [lambda entries, key, value: entries.register_if_absent(key, value)],
    "update": [lambda entries, key, value: entries.update(key, lambda had: value)],
    "compare_and_set": [
        lambda entries, key, value: entries.compare_and_set(key, "before", value),
        lambda entries, key, value: entries.compare_and_set(key, value, "after"),
    ],
    "delete_if": [lambda entries, key, value: entries.delete_if(key, value)],
}


class KeyedValueConformance(KeyedBase):
    """Every way in and every way out keeps a value exactly, in value and in type."""

    @pytest.mark.parametrize("name", list(EXACT))
    def test_values_come_back_equal_in_value_and_type(self, entries: KeyedStore, name: str) -> None:
        value = EXACT[name]
        entries.register("a", value)
        given: list[Any] = []

        def noted(had: Any) -> Any:
            given.append(had)
            return had

        found = entries.lookup_entry("a")
        assert found is not None
        got = {
            "lookup": entries.lookup("a", "missing"),
            "lookup_entry": found.value,
            "lookup_many": entries.lookup_many(["a"], "missing")[0],
            "entries": entries.entries()[0].value,
            "entries_in_range": entries.entries_in_range()[0].value,
            "update": entries.update("a", noted),
            "update's argument": given[0],
        }
        assert entries.compare_and_set("a", value, value), "a value equals itself"
        assert entries.register_if_absent("b", "before") and entries.compare_and_set("b", "before", value)
        got["compare_and_set"] = entries.lookup("b", "missing")
        got["consume"] = entries.consume("a", "missing")
        assert entries.delete_if("b", value), "a value equals itself"
        for method, back in got.items():
            assert is_same(back, value), f"{method} must give {short(value)} as it was stored, not {short(back)}"

    @pytest.mark.parametrize("name", list(REFUSED))
    def test_what_is_not_json_is_refused_and_nothing_is_written(self, entries: KeyedStore, name: str) -> None:
        self._assert_refused(entries, REFUSED[name], NotSerializable)

    def test_not_serializable_is_a_type_error_and_names_the_place(self, entries: KeyedStore) -> None:
        with pytest.raises(TypeError) as raised:
            entries.register("a", {"a": [1, {"b": (2,)}]})
        assert "['a'][1]['b']" in str(raised.value), "NotSerializable must say where in the value the offender is"

    @pytest.mark.parametrize("filling", ["x", "\u00e9", "\u6f22", "\U0001f600"])
    def test_a_value_at_the_size_bound_is_stored(self, entries: KeyedStore, filling: str) -> None:
        most = self.max_value_bytes - 2
        value = "x" * (most % len(filling.encode())) + filling * (most // len(filling.encode()))
        entries.register("a", value)
        assert entries.compare_and_set("a", value, value), "a value of max_value_bytes bytes can be replaced"
        assert entries.lookup("a") == value, "a value may have max_value_bytes bytes as JSON in UTF-8"
        assert entries.entries()[0].value == value

    @pytest.mark.parametrize("filling", ["x", "\u00e9"])
    def test_a_value_over_the_size_bound_is_refused(self, entries: KeyedStore, filling: str) -> None:
        for said in self._assert_refused(entries, filling * (self.max_value_bytes - 1), BadArgument):
            assert str(self.max_value_bytes) in said, f"the refusal of a value that is too long names the bound: {said}"

    def test_a_value_is_copied_when_it_is_stored(self, entries: KeyedStore) -> None:
        value = {"items": [1]}
        entries.register("a", value)
        value["items"].append(2)
        for got in (entries.lookup("a"), entries.entries()[0].value, entries.lookup_many(["a"])[0]):
            got["items"].append(3)
        assert entries.lookup("a") == {"items": [1]}, (
            "changing a value after register, or a returned one, changes nothing"
        )

    @staticmethod
    def _assert_refused(entries: KeyedStore, value: Any, error: type[BotStateError]) -> list[str]:
        """Every method refuses `value` for a key that is there and for one that is not."""
        entries.register("a", "before")
        before = entries.entries()
        said = []
        for name, calls in WRITES.items():
            for call in calls:
                for key in ("a", "b"):
                    said.append(refusal(name, error, call, entries, key, value))
                    assert len(said[-1]) < 1_000, f"{name} must not repeat a whole value in its refusal"
        assert entries.entries() == before, "a refused value changes nothing"
        assert listed(entries) == [["a", "before"]]
        return said
