# ruff: noqa: S101
"""Keyed stores: every method has an async twin that does the same; no method blocks an event loop."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation

from botstate.exceptions import BadArgument, BotStateError, LimitExceeded, NotSerializable
from botstate.keyed import UNCHANGED, Entry, FoundEntry, KeyedStore
from botstate.testing.conformance.exact_values import is_same
from botstate.testing.conformance.keyed_base import KeyedBase, Opener
from botstate.testing.conformance.twins import is_async, methods_of, sync_methods

#: An argument that is good for each parameter's name.
ARGUMENTS: dict[str, Any] = {
    "key": "k",
    "keys": ["k"],
    "value": 1,
    "expected": 1,
    "new": 2,
    "fn": lambda had: had,
}
Call = Callable[..., Any]


class KeyedTwinConformance(KeyedBase):
    """`alookup` is to `lookup` as await is to a call."""

    def test_every_method_has_an_async_twin_of_the_same_signature(self) -> None:
        methods = methods_of(KeyedStore)
        names = sync_methods(KeyedStore)
        for name in names:
            twin = methods.get(f"a{name}")
            assert twin is not None and is_async(twin), f"{name} must have an async twin a{name}"
            assert _parameters(twin) == _parameters(methods[name]), f"a{name} must take what {name} takes"
        spare = set(methods) - set(names) - {f"a{name}" for name in names}
        assert not spare, f"async methods that are nobody's twin: {spare}"

    def test_every_twin_gives_the_same(self, opened: Opener) -> None:
        called: set[str] = set()

        def call(name: str, *args: Any, **kwargs: Any) -> Any:
            called.add(name)
            return getattr(one, name)(*args, **kwargs)

        def call_twin(name: str, *args: Any, **kwargs: Any) -> Any:
            return async_to_sync(getattr(other, f"a{name}"))(*args, **kwargs)

        one, other = opened("sync", max_entries=3), opened("async", max_entries=3)
        sync = list(_script(call, self.long))
        twins = list(_script(call_twin, self.long))
        for step, (got, from_twin) in enumerate(zip(sync, twins, strict=True)):
            assert is_same(_comparable(from_twin), _comparable(got)), (
                f"step {step}: a method must give what its async twin gives, {got!r}, not {from_twin!r}"
            )
        assert called == set(sync_methods(KeyedStore)), "this test must call every method"

    def test_twins_refuse_the_same(self, opened: Opener) -> None:
        entries = opened(max_entries=1, overflow="reject-new")
        entries.register("a", 1)

        async def refuse(error: type[BotStateError], name: str, *args: Any) -> None:
            with pytest.raises(error) as raised:
                await getattr(entries, f"a{name}")(*args)
            assert raised.value.operation == name, f"a{name} names the operation as {name} does"

        for error, *call in (
            (BadArgument, "register", "", 1),
            (BadArgument, "register_if_absent", "b", 1, 0),
            (BadArgument, "lookup_many", "ab"),
            (BadArgument, "entries_in_range", None, None, 0),
            (NotSerializable, "compare_and_set", "a", 1, {1}),
            (NotSerializable, "update", "a", lambda had: {1}),
            (LimitExceeded, "register", "b", 1),
            (LimitExceeded, "register_if_absent", "b", 1),
            (LimitExceeded, "update", "b", lambda had: 1),
        ):
            async_to_sync(refuse)(error, *call)
        assert [[entry.key, entry.value] for entry in entries.entries()] == [["a", 1]], "a refused twin writes nothing"

    def test_what_fn_raises_comes_through_the_twin(self, entries: KeyedStore) -> None:
        async def update() -> None:
            with pytest.raises(ValueError) as raised:
                await entries.aupdate("a", fail)
            assert raised.value is error, "aupdate must raise the very error that fn raised"

        def fail(had: Any) -> Any:
            raise error

        error = ValueError("mine")
        async_to_sync(update)()
        assert entries.count() == 0, "where fn raises, aupdate writes nothing"

    def test_a_sync_method_on_a_running_loop_names_its_twin(self, entries: KeyedStore) -> None:
        async def call(name: str) -> Any:
            method = getattr(entries, name)
            required = [p.name for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            return method(*(ARGUMENTS[parameter] for parameter in required))

        for name in sync_methods(KeyedStore):
            with pytest.raises(SynchronousOnlyOperation) as refusal:
                async_to_sync(call)(name)
            assert f"keyed.a{name}" in str(refusal.value), f"{name} on a running event loop must name its twin a{name}"
        assert entries.count() == 0, "a method that is refused writes nothing"


def _parameters(method: Any) -> list[tuple[str, Any]]:
    return [(parameter.name, parameter.default) for parameter in inspect.signature(method).parameters.values()]


def _comparable(got: Any) -> Any:
    """Return what must be equal in both runs: of times only whether they are there."""
    if isinstance(got, list):
        return [_comparable(each) for each in got]
    if isinstance(got, Entry):
        times = [got.created_at.tzname(), got.expires_at is None, isinstance(got, FoundEntry)]
        return [type(got).__name__, got.key, got.value, *times]
    return got


def _script(call: Call, long: float) -> Iterator[Any]:
    """Call every method at least once, and yield what each call gave."""
    yield call("register", "a", {"b": 1, "a": [1.0, None]}, ttl=long)
    yield call("register_if_absent", "a", 2)
    yield call("register_if_absent", "b", None, ttl=long)
    yield call("lookup", "a")
    yield call("lookup", "c", default="default")
    yield call("lookup_entry", "a")
    yield call("lookup_entry", "c")
    yield call("lookup_many", ["b", "c", "a"], default="default")
    yield call("update", "n", lambda had: had + 1, ttl=long, default=1)
    yield call("update", "n", lambda had: UNCHANGED)
    yield call("compare_and_set", "n", 2.0, 3)
    yield call("compare_and_set", "n", 2, 3, ttl=long)
    yield call("register", "d", "d")
    yield call("entries")
    yield call("entries_in_range", start="b", end="n", limit=5, order="desc")
    yield call("entries_in_range")
    yield call("count")
    yield call("consume", "b", "default")
    yield call("consume", "b", default="default")
    yield call("delete_if", "d", "e")
    yield call("delete_if", "d", "d")
    yield call("delete", "n")
    yield call("delete", "n")
    yield call("register", "e", 1)
    yield call("clear")
    yield call("count")
