"""A caller's transaction beside a store that fails or hangs for real: it is not broken, and the cache writes later."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from botstate.caches import MirroredCache
from botstate.keyed import open_keyed_store
from botstate.models import KvEntry
from botstate.stores import OrmStore
from tests.caches.conftest import join_threads
from tests.caches.faults import Faulty
from tests.stores.faults.aliases import own_alias
from tests.stores.faults.programs import problem
from tests.stores.faults.servers import Cluster, Folder
from tests.stores.waiting import other_threads, until

pytestmark = pytest.mark.usefixtures("switched_on", "transactional_db", "quick_pauses")

Make = Callable[..., MirroredCache]


def settled(cache: MirroredCache) -> None:
    until(lambda: cache.status().waiting == 0, "everything is written")


@pytest.fixture
def faulty() -> Faulty:
    keyed = OrmStore().keyed
    assert keyed is not None
    return Faulty(keyed)


def test_a_failing_store_does_not_break_the_callers_transaction(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    with faulty.away(), transaction.atomic():
        OrmStore().kv.set("before", 1)
        faulty.fail(error=DatabaseError)
        cache.register("key", 1)
        assert cache.lookup("missing") is None
        assert cache.consume("key") == 1
        cache.register("key", 2)
        OrmStore().kv.set("after", 1)
    assert KvEntry.objects.count() == 2
    settled(cache)
    assert open_keyed_store("entries").lookup("key") == 2


@pytest.mark.needs("sqlite")
def test_a_caller_that_holds_sqlites_lock_waits_for_one_timeout(
    make_cache: Make, switch: Callable[..., None], monkeypatch: Any
) -> None:
    from botstate.caches import guard

    monkeypatch.setattr(guard, "FIRST_PAUSE_S", 0.3)
    switch(TIMEOUT=0.2)
    cache = make_cache(store=None)
    begun = time.monotonic()
    with transaction.atomic():
        OrmStore().kv.set("callers", 1)
        cache.register("key", 1)
        cache.register("other", 2)
        assert cache.consume("other") == 2
        assert time.monotonic() - begun < 2
        assert cache.status().waiting == 2
    assert OrmStore().kv.get("callers") == 1
    settled(cache)
    assert cache.close(20)
    join_threads()
    assert [entry.key for entry in open_keyed_store("entries").entries()] == ["key"]


@contextmanager
def locked_table() -> Iterator[None]:
    """Let another connection lock the entries' table."""
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        if connection.vendor == "postgresql":
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE botstate_keyedentry")
                locked.set()
                release.wait(20)
            return
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLES botstate_keyedentry WRITE")
            locked.set()
            release.wait(20)
            cursor.execute("UNLOCK TABLES")

    with other_threads() as call:
        holding = call(hold)
        try:
            assert locked.wait(20)
            yield
        finally:
            release.set()
            holding.result(20)


@pytest.mark.needs("postgresql", "mysql")
def test_a_locked_table_costs_timeouts_and_nothing_more(make_cache: Make, switch: Callable[..., None]) -> None:
    switch(TIMEOUT=0.3)
    cache = make_cache(store=None)
    for key in ("consumed", "changed", "deleted"):
        cache.register(key, "old")
    settled(cache)
    with locked_table():
        begun = time.monotonic()
        assert cache.consume("consumed") == "old"
        cache.register("changed", "new")
        cache.register("new", 1)
        assert cache.delete("deleted") is True
        assert cache.lookup("missing", "default") == "default"
        assert time.monotonic() - begun < 5
        assert {"Timeout"} <= set(cache.status().failures) <= {"Timeout", "OverloadedError"}
        assert cache.status().waiting == 4
    settled(cache)
    assert {entry.key: entry.value for entry in open_keyed_store("entries").entries()} == {"changed": "new", "new": 1}
    assert cache.close(20)
    join_threads()
    assert {entry.key: entry.value for entry in open_keyed_store("entries").entries()} == {"changed": "new", "new": 1}


FROZEN = "frozen"


@pytest.fixture
def cluster(django_db_blocker: Any) -> Iterator[Cluster]:
    """A PostgreSQL of this test's own."""
    why = problem("postgresql")
    if why:
        pytest.skip(why)
    with Folder() as folder:
        started = Cluster(folder)
        try:
            started.start()
            started.migrate()
            with django_db_blocker.unblock(), own_alias(FROZEN, **started.settings):
                yield started
        finally:
            started.stop_at_once()


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """Stop a server with every process of its own."""
    children = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _parent(int(entry)) == postmaster]
    for process in (postmaster, *children):
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in (*children, postmaster):
            os.kill(process, signal.SIGCONT)


def _parent(process: int) -> int | None:
    try:
        with open(f"/proc/{process}/stat") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.needs("postgresql")
def test_a_server_that_is_frozen(cluster: Cluster, make_cache: Make, switch: Callable[..., None]) -> None:
    switch(TIMEOUT=0.3)
    store = OrmStore(FROZEN)
    cache = make_cache(store=store)
    for key in ("consumed", "left"):
        cache.register(key, "old")
    settled(cache)
    assert cluster._process is not None
    with frozen(cluster._process.pid):
        begun = time.monotonic()
        for number in range(50):
            cache.register("new", number)
        assert cache.consume("consumed") == "old"
        assert cache.lookup("missing", "default") == "default"
        assert time.monotonic() - begun < 10
    settled(cache)
    until(lambda: cache.close(20), "its thread ends")
    join_threads()
    found = {entry.key: entry.value for entry in open_keyed_store("entries", store=store).entries()}
    assert found == {"left": "old", "new": 49}
    assert make_cache(store=store).consume("consumed") is None
