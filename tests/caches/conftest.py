"""Caches on each store that has keyed entries, and on one that fails as it is told to."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from botstate.caches import InboundDedup, MirroredCache, guard
from botstate.contracts.stores import StateStore
from botstate.stores import MemoryStore, OrmStore, RedisStore
from tests.caches.faults import Faulty, Shelf
from tests.stores.redis.server import ALIAS, DATABASE, REDIS_URL, cache_at, clean, disconnect
from tests.stores.redis.server import problem as problem_with_redis

CHANNEL = "tests"


def join_threads() -> None:
    """Wait for the end of every cache's thread, those that were left behind too."""
    for thread in threading.enumerate():
        if thread.name.startswith(f"botstate-{CHANNEL}:"):
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def switch(settings: Any) -> Callable[..., None]:
    """Switch the channel's store on, or off."""

    def switch(is_on: bool = True, **options: Any) -> None:
        caches = {CHANNEL: {"PERSISTENT": is_on, **options}}
        settings.BOTSTATE = settings.BOTSTATE | {"CACHES": caches}

    return switch


@pytest.fixture
def switched_on(switch: Callable[..., None]) -> None:
    """With a timeout that a busy machine does not reach."""
    switch(TIMEOUT=10)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def faulty(shelf: Shelf) -> Faulty:
    """A store without a database, for what a cache makes of failures."""
    return Faulty(shelf)


@pytest.fixture
def make_cache(faulty: Faulty) -> Iterator[Callable[..., MirroredCache]]:
    """Make caches whose threads end with the test; on `faulty` if nothing else is said."""
    made: list[MirroredCache] = []

    def make(namespace: str = "entries", *, max_entries: int = 100, **options: Any) -> MirroredCache:
        made.append(MirroredCache(CHANNEL, namespace, max_entries=max_entries, **({"store": faulty} | options)))
        return made[-1]

    yield make
    faulty.release()
    for cache in made:
        assert cache.close(20), "a thread did not end"
    # What was left behind may write late, and the next test's store is the same.
    join_threads()


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds pass at once, by the clock that says how long memory keeps what it holds. A store has its own."""
    passed_ns = 0
    monotonic, monotonic_ns = time.monotonic, time.monotonic_ns

    def let_pass(seconds: float) -> None:
        nonlocal passed_ns
        passed_ns += round(seconds * 1_000_000_000)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed_ns / 1_000_000_000)
    monkeypatch.setattr(time, "monotonic_ns", lambda: monotonic_ns() + passed_ns)
    return let_pass


@pytest.fixture
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back to a store at once."""
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(guard, "MAX_PAUSE_S", 0.001)


@pytest.fixture
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a store alone for the rest of the test."""
    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 1_000)
    monkeypatch.setattr(guard, "MAX_PAUSE_S", 1_000)


def _with_keyed_entries() -> Iterator[Any]:
    """The ORM's is of the run's database; the others are the same in every run."""
    yield "orm"
    for name in ("memory", "redis"):
        yield pytest.param(name, marks=pytest.mark.once)


@pytest.fixture(params=_with_keyed_entries())
def store(request: pytest.FixtureRequest, settings: Any, transactional_db: None) -> Iterator[StateStore]:
    """Each store that has keyed entries."""
    if request.param == "redis":
        if problem_with_redis() is not None:
            pytest.skip("Redis does not answer")
        settings.CACHES = settings.CACHES | {ALIAS: cache_at(f"{REDIS_URL}/{DATABASE}")}
        namespace = f"test-{uuid4().hex}"
        made: StateStore = RedisStore(ALIAS, namespace=namespace)
    else:
        made = OrmStore() if request.param == "orm" else MemoryStore()
    yield made
    if request.param == "redis":
        clean(namespace)
        disconnect()


@pytest.fixture
def make_dedup() -> Iterator[Callable[..., InboundDedup]]:
    """Make dedups whose threads end with the test."""
    made: list[InboundDedup] = []

    def make(channel: str = "tests", namespace: str = "inbound", **options: Any) -> InboundDedup:
        made.append(InboundDedup(channel, namespace, **options))
        return made[-1]

    yield make
    for each in made:
        assert each.close()
