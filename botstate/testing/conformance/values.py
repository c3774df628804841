# ruff: noqa: S101, PLR2004
"""Values: JSON in, equal JSON out; what is not JSON is refused before anything is written (P6)."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import NotSerializable
from botstate.testing.conformance.base import ConformanceBase, refused
from botstate.testing.conformance.exact_values import EXACT, REFUSED, is_same, short

WRITES: dict[str, Callable[[StateStore, str, Any], object]] = {
    "kv.set": lambda store, key, value: store.kv.set(key, value),
    "list.append": lambda store, key, value: store.list.append(key, value, max_len=1),
    "queue.enqueue": lambda store, key, value: store.queue.enqueue(key, value, max_size=1),
}


class ValueConformance(ConformanceBase):
    """The three facets that hold values hold them exactly, in value and in type."""

    @pytest.mark.parametrize("name", list(EXACT))
    def test_values_come_back_equal_in_value_and_type(self, store: StateStore, key: str, name: str) -> None:
        value = EXACT[name]
        store.kv.set(key, value)
        store.list.append(key, value)
        for _ in range(3):
            store.queue.enqueue(key, value)
        claimed = store.queue.claim(key, self.long)
        assert claimed is not None, "an enqueued item can be claimed"
        got = {
            "kv.get": store.kv.get(key, "missing"),
            "kv.consume": store.kv.consume(key, "missing"),
            "list.range": store.list.range(key)[0],
            "queue.claim": claimed.value,
            "queue.dequeue": store.queue.dequeue(key, "missing"),
        }
        for method, back in got.items():
            assert is_same(back, value), f"{method} must return {short(value)} as it was stored, not {short(back)}"

    @pytest.mark.parametrize("name", list(REFUSED))
    def test_what_is_not_json_is_refused_and_nothing_is_written(self, store: StateStore, key: str, name: str) -> None:
        value = REFUSED[name]
        self._assert_refused(store, key, value, NotSerializable)

    def test_not_serializable_is_a_type_error(self, store: StateStore, key: str) -> None:
        refused("kv.set of a set", TypeError, store.kv.set, key, {1, 2})

    def test_a_refusal_names_the_place_of_the_offender(self, store: StateStore, key: str) -> None:
        said = refused("kv.set of a tuple", NotSerializable, store.kv.set, key, {"a": [1, {"b": (2,)}]})
        assert "['a'][1]['b']" in said, "NotSerializable must say where in the value the offender is"
        assert "tuple" in said, "NotSerializable must say what the offender is"

    @pytest.mark.parametrize("filling", ["x", "\u00e9", "\u6f22", "\U0001f600"])
    def test_a_value_at_the_size_bound_is_stored(self, store: StateStore, key: str, filling: str) -> None:
        most = self.max_value_bytes - 2
        value = "x" * (most % len(filling.encode())) + filling * (most // len(filling.encode()))
        store.kv.set(key, value)
        store.list.append(key, value)
        store.queue.enqueue(key, value)
        assert store.kv.get(key) == value, "kv must hold a value whose JSON has max_value_bytes bytes in UTF-8"
        assert store.list.range(key) == [value], "list must hold a value of max_value_bytes bytes"
        assert store.queue.dequeue(key) == value, "queue must hold a value of max_value_bytes bytes"

    @pytest.mark.parametrize("filling", ["x", "\u00e9"])
    def test_a_value_over_the_size_bound_is_refused(self, store: StateStore, key: str, filling: str) -> None:
        refusals = self._assert_refused(store, key, filling * (self.max_value_bytes - 1), ValueError)
        for said in refusals:
            assert str(self.max_value_bytes) in said, f"the refusal of a value that is too long names the bound: {said}"

    def test_a_stored_none_is_a_value(self, store: StateStore, key: str) -> None:
        store.kv.set(key, None)
        store.queue.enqueue(key, None)
        assert store.kv.get(key, "default") is None, "a stored None is not a missing value"
        assert store.kv.consume(key, "default") is None, "consume returns a stored None, not the default"
        assert store.kv.consume(key, "default") == "default", "a consumed None is gone"
        assert store.queue.dequeue(key, "default") is None, "dequeue returns a queued None, not the default"
        assert store.queue.dequeue(key, "default") == "default", "an empty queue gives the default"

    def test_a_value_is_copied_when_it_is_stored(self, store: StateStore, key: str) -> None:
        value = {"items": [1]}
        store.kv.set(key, value)
        store.list.append(key, value)
        value["items"].append(2)
        store.kv.get(key)["items"].append(3)
        store.list.range(key)[0]["items"].append(3)
        assert store.kv.get(key) == {"items": [1]}, "changing a value after set, or a returned one, changes no store"
        assert store.list.range(key) == [{"items": [1]}], "changing an appended or a returned value changes no store"

    def test_a_default_is_returned_as_it_is(self, store: StateStore, key: str) -> None:
        default = object()
        assert store.kv.get(key, default) is default, "get returns the very default that it was given"
        assert store.kv.consume(key, default) is default, "consume returns the very default that it was given"
        assert store.queue.dequeue(key, default) is default, "dequeue returns the very default that it was given"

    @staticmethod
    def _assert_refused(store: StateStore, key: str, value: Any, error: type[Exception]) -> list[str]:
        """Each facet refuses `value` on a fresh key and on a used one, and is as it was."""
        refusals = []
        used, fresh = f"{key}:used", f"{key}:fresh"
        store.kv.set(used, "before")
        store.list.append(used, "before")
        store.queue.enqueue(used, "before")
        for each in (used, fresh):
            for name, write in WRITES.items():
                refusals.append(refused(name, error, write, store, each, value))
                assert len(refusals[-1]) < 1_000, f"{name} must not repeat a whole value in its refusal"
        assert store.kv.get(used) == "before", "a refused set must leave the earlier value"
        assert store.list.range(used) == ["before"], "a refused append must leave the list as it was"
        assert store.queue.dequeue(used) == "before", "a refused enqueue must leave the queue as it was"
        assert store.kv.get(fresh, "missing") == "missing", "a refused set must write nothing"
        assert store.list.range(fresh) == [], "a refused append must write nothing"
        assert store.queue.depth(fresh) == 0, "a refused enqueue must write nothing"
        return refusals
