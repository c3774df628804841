# ruff: noqa: S101, PLR2004
"""Every method has an async twin that does the same; no method blocks an event loop."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation

from botstate.contracts.dedup import DedupFacet
from botstate.contracts.kv import KvFacet
from botstate.contracts.lists import ListFacet
from botstate.contracts.locks import Lock, LockFacet
from botstate.contracts.queues import Claim, QueueFacet
from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase
from botstate.testing.conformance.exact_values import is_same
from botstate.testing.conformance.threads import Race

CONTRACTS: dict[str, type] = {
    "": StateStore,
    "kv": KvFacet,
    "list": ListFacet,
    "lock": LockFacet,
    "dedup": DedupFacet,
    "queue": QueueFacet,
}
#: An argument that is good for each parameter's name.
ARGUMENTS: dict[str, Any] = {
    "key": "k",
    "value": 1,
    "token": "0" * 32,
    "ttl": 1,
    "lease": 1,
    "max_len": 1,
    "limit": 1,
}
Call = Callable[..., Any]


def owner_of(store: StateStore, facet: str) -> Any:
    """Return the facet of that name; the store itself for the empty name."""
    return getattr(store, facet) if facet else store


def methods_of(owner: type) -> dict[str, Any]:
    """Return the public methods of a class by name."""
    members = inspect.getmembers(owner, inspect.isroutine)
    return {name: member for name, member in members if not name.startswith("_")}


def is_async(method: Any) -> bool:
    """True for an async method and for one that gives an async context manager."""
    return inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(inspect.unwrap(method))


def sync_methods(owner: type) -> list[str]:
    """Return the names of the methods that must have a twin."""
    return [name for name, method in methods_of(owner).items() if not is_async(method)]


class TwinConformance(ConformanceBase):
    """`kv.aget` is to `kv.get` as await is to a call."""

    @pytest.mark.parametrize("facet", list(CONTRACTS))
    def test_every_method_has_an_async_twin_of_the_same_signature(self, store: StateStore, facet: str) -> None:
        for owner in (CONTRACTS[facet], type(owner_of(store, facet))):
            methods = methods_of(owner)
            names = sync_methods(owner)
            assert names, f"{owner.__name__} has no methods"
            for name in names:
                twin = methods.get(f"a{name}")
                assert twin is not None and is_async(twin), f"{owner.__name__}.{name} must have an async twin a{name}"
                assert _parameters(twin) == _parameters(methods[name]), f"a{name} must take what {name} takes"
            spare = set(methods) - set(names) - {f"a{name}" for name in names}
            assert not spare, f"async methods of {owner.__name__} that are nobody's twin: {spare}"

    def test_every_twin_gives_the_same(self, store: StateStore, key: str) -> None:
        called: set[tuple[str, str]] = set()

        def call(facet: str, name: str, *args: Any, **kwargs: Any) -> Any:
            called.add((facet, name))
            got = getattr(owner_of(store, facet), name)(*args, **kwargs)
            return _entered(got) if isinstance(got, AbstractContextManager) else got

        def call_twin(facet: str, name: str, *args: Any, **kwargs: Any) -> Any:
            twin = getattr(owner_of(store, facet), f"a{name}")
            return async_to_sync(_awaited)(twin, *args, **kwargs)

        sync = list(_script(call, f"{key}:sync", self.long))
        twins = list(_script(call_twin, f"{key}:async", self.long))
        for (step, got), (_, from_twin) in zip(sync, twins, strict=True):
            assert is_same(_comparable(from_twin), _comparable(got)), (
                f"step {step}: a method must give what its async twin gives, {got!r}, not {from_twin!r}"
            )
        wanted = {(facet, name) for facet, owner in CONTRACTS.items() for name in sync_methods(owner)}
        assert called == wanted - {("", "close")}, "this test must call every method of the contract"

    def test_twins_refuse_the_same(self, store: StateStore, key: str) -> None:
        async def refuse() -> None:
            with pytest.raises(ValueError, match="1 to"):
                await store.kv.aset("", 1)
            with pytest.raises(TypeError):
                await store.list.aappend(key, {1})
            with pytest.raises(ValueError, match="ttl"):
                await store.lock.aacquire(key, ttl=0)
            with pytest.raises(ValueError, match="max_size"):
                await store.queue.aenqueue(key, 1, max_size=0)

        async_to_sync(refuse)()
        assert store.list.range(key) == [], "a refused twin must write nothing"

    def test_async_hold_frees_after_an_error(self, store: StateStore, key: str) -> None:
        async def hold() -> None:
            async with store.lock.ahold(key):
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            async_to_sync(hold)()
        assert store.lock.acquire(key), "an error in the block must free the lock and come through"

    @pytest.mark.parametrize("facet", list(CONTRACTS))
    def test_a_sync_method_on_a_running_loop_names_its_twin(self, store: StateStore, facet: str) -> None:
        owner = owner_of(store, facet)

        async def call(name: str) -> Any:
            method = getattr(owner, name)
            required = [p.name for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            got = method(*(ARGUMENTS[parameter] for parameter in required))
            return _entered(got) if isinstance(got, AbstractContextManager) else got

        for name in sync_methods(type(owner)):
            path = ".".join(filter(None, ("store", facet, f"a{name}")))
            with pytest.raises(SynchronousOnlyOperation) as refusal:
                async_to_sync(call)(name)
            assert path in str(refusal.value), f"{name} on a running event loop must name its twin {path}"

    def test_a_closed_store_opens_again_by_itself(self, store: StateStore, key: str, race: Race) -> None:
        def use(racer: int) -> list[Any]:
            store.kv.set(key, 1)
            store.close()
            got = [store.kv.get(key)]
            async_to_sync(store.aclose)()
            return [*got, store.kv.get(key)]

        assert race(use, 1) == [[1, 1]], "a closed store opens again by itself and has lost nothing"


def _parameters(method: Any) -> list[tuple[str, Any]]:
    return [(parameter.name, parameter.default) for parameter in inspect.signature(method).parameters.values()]


def _entered(manager: AbstractContextManager[Any]) -> Any:
    with manager as entered:
        return entered


async def _awaited(twin: Call, *args: Any, **kwargs: Any) -> Any:
    got = twin(*args, **kwargs)
    if isinstance(got, AbstractAsyncContextManager):
        async with got as entered:
            return entered
    return await got


def _comparable(got: Any) -> Any:
    """Return what must be equal in both runs: a token and a fence must only be there."""
    if isinstance(got, Lock):
        return ["lock", bool(got.token), type(got.fence).__name__, got.expires_at.tzname()]
    if isinstance(got, Claim):
        return ["claim", got.value, bool(got.token), got.attempt]
    return "token" if isinstance(got, str) and len(got) > 20 else got


def _script(call: Call, key: str, long: float) -> Iterator[tuple[int, Any]]:
    """Call every method of the contract at least once, and yield what each call gave."""
    yield from enumerate([*_values(call, key, long), *_leases(call, key, long), *_queue(call, key, long)])


def _values(call: Call, key: str, long: float) -> Iterator[Any]:
    yield call("kv", "get", key, default="default")
    yield call("kv", "set", key, {"b": 1, "a": [1.0, None]}, ttl=long)
    yield call("kv", "get", key)
    yield call("kv", "delete", key)
    yield call("kv", "delete", key)
    yield call("kv", "set", key, None)
    yield call("kv", "consume", key, "default")
    yield call("kv", "consume", key, default="default")
    for value in range(4):
        yield call("list", "append", key, value, max_len=3, ttl=long)
    yield call("list", "range", key)
    yield call("list", "range", key, start=1, stop=1)
    yield call("list", "trim", key, 1)
    yield call("list", "range", key, 0, None)
    yield call("list", "delete", key)
    yield call("list", "delete", key)
    yield sorted(call("", "sweep", limit=1))
    yield call("", "examine")


def _leases(call: Call, key: str, long: float) -> Iterator[Any]:
    lock = call("lock", "acquire", key, ttl=long)
    yield lock
    yield call("lock", "acquire", key)
    yield call("lock", "extend", key, lock.token, ttl=long)
    yield call("lock", "release", key, "0" * 32)
    yield call("lock", "release", key, lock.token)
    yield call("lock", "hold", key, ttl=long)
    yield call("lock", "acquire", key)
    yield call("lock", "force_release", key)
    yield call("lock", "force_release", key)
    token = call("dedup", "claim", key, lease=long)
    yield token
    yield call("dedup", "claim", key, long)
    yield call("dedup", "check", key)
    yield call("dedup", "release", key, token)
    yield call("dedup", "check", key)
    yield call("dedup", "commit", key, call("dedup", "claim", key, long), ttl=long)
    yield call("dedup", "check", key)
    yield call("dedup", "seen", f"{key}:seen", ttl=long)
    yield call("dedup", "seen", f"{key}:seen", ttl=long)


def _queue(call: Call, key: str, long: float) -> Iterator[Any]:
    for value in range(4):
        yield call("queue", "enqueue", key, value, max_size=3, on_full="drop-newest", ttl=long)
    yield call("queue", "depth", key)
    claim = call("queue", "claim", key, lease=long)
    yield claim
    yield call("queue", "dequeue", key)
    yield call("queue", "nack", key, claim.token)
    yield call("queue", "ack", key, claim.token)
    again = call("queue", "claim", key, long)
    yield again
    yield call("queue", "ack", key, again.token)
    yield call("queue", "dequeue", key)
    yield call("queue", "dequeue", key, default="default")
    yield call("queue", "claim", key, long)
