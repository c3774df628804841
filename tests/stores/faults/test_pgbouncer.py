"""Behind PgBouncer 1.18 in transaction mode, preparation off: the whole contract, with more clients than sessions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.db import connections

from botstate.contracts.stores import StateStore
from botstate.runtime.examination import examine_runtime
from botstate.stores import OrmStore
from botstate.testing import StoreConformance
from tests.stores.clock import advance
from tests.stores.faults.aliases import own_alias
from tests.stores.faults.conftest import CLUSTER
from tests.stores.faults.servers import Bouncer, Cluster, Folder
from tests.stores.waiting import other_threads

pytestmark = [
    pytest.mark.long,
    pytest.mark.processes,
    pytest.mark.needs("postgresql"),
    pytest.mark.programs("postgresql", "pgbouncer"),
]

BOUNCED = "bounced"
THREADS = 8
SESSIONS = 2
ROUNDS = 15


@pytest.fixture(scope="module")
def bounced(cluster: Cluster) -> Iterator[None]:
    """The alias BOUNCED leads to the cluster through PgBouncer."""
    with _bounced(BOUNCED, cluster, SESSIONS):
        yield


@contextmanager
def _bounced(alias: str, cluster: Cluster, *options: Any) -> Iterator[None]:
    with Folder() as folder:
        bouncer = Bouncer(folder, cluster, *options)
        try:
            bouncer.start()
            with own_alias(alias, **bouncer.settings):
                yield
        finally:
            bouncer.stop()


class TestOrmStoreBehindPgBouncer(StoreConformance):
    short: ClassVar[float] = 30

    @pytest.fixture
    def store(self, bounced: None) -> StateStore:
        return OrmStore(BOUNCED, prepare=False)

    def advance(self, store: StateStore, seconds: float) -> None:
        advance(seconds, using=BOUNCED)


def test_eight_threads_share_two_sessions(bounced: None) -> None:
    store = OrmStore(BOUNCED, namespace="shared", prepare=False)
    begin = threading.Barrier(THREADS)

    def use(thread: int) -> tuple[set[int], list[int]]:
        sessions, fences = set(), []
        begin.wait(20)
        for number in range(ROUNDS):
            store.kv.set("kv", number, ttl=60)
            store.list.append("list", [thread, number], max_len=1_000)
            store.queue.enqueue("queue", [thread, number])
            store.dedup.seen(f"{thread} {number}", 60)
            assert store.queue.dequeue("queue") is not None
            lock = store.lock.acquire("lock", ttl=60)
            if lock is not None:
                fences.append(lock.fence)
                assert store.lock.extend("lock", lock.token, 60)
                assert store.lock.release("lock", lock.token)
            sessions.add(_session())
        return sessions, fences

    with other_threads(THREADS) as call:
        used = [future.result(20) for future in [call(use, thread) for thread in range(THREADS)]]
    assert len(set().union(*(sessions for sessions, _ in used))) <= SESSIONS, "there are more clients than sessions"
    fences = [fence for _, own in used for fence in own]
    assert len(fences) == len(set(fences)), "a fence is given once"
    assert all(own == sorted(own) for _, own in used)
    assert sorted(store.list.range("list")) == [[t, n] for t in range(THREADS) for n in range(ROUNDS)]
    assert store.queue.depth("queue") == 0


def test_the_doctor_sees_that_sessions_are_shared(
    bounced: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = OrmStore(BOUNCED).examine()
    assert BOUNCED in line and "prepare=False" in line
    assert OrmStore(BOUNCED, prepare=False).examine() == []
    assert OrmStore(BOUNCED, portable=True).examine() == [], "it prepares nothing"
    settings.BOTSTATE = {"DATABASE": BOUNCED}
    (line,) = examine_runtime()
    assert "DISABLE_SERVER_SIDE_CURSORS" in line
    monkeypatch.setitem(connections[BOUNCED].settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert examine_runtime() == []


def test_the_doctor_sees_it_on_a_busy_pgbouncer(bounced: None) -> None:
    """Where other clients' statements come between, which session a connection gets is anybody's guess."""
    done = threading.Event()

    def keep_busy() -> None:
        while not done.is_set():
            _session()

    with other_threads(SESSIONS) as call:
        busy = [call(keep_busy) for _ in range(SESSIONS)]
        try:
            (line,) = OrmStore(BOUNCED).examine()
        finally:
            done.set()
        for each in busy:
            each.result(20)
    assert "prepare=False" in line


def test_the_doctor_has_nothing_against_sessions_of_ones_own(cluster: Cluster) -> None:
    assert OrmStore(CLUSTER).examine() == []


def test_the_doctor_has_nothing_against_session_mode(cluster: Cluster) -> None:
    with _bounced("by session", cluster, 3, "session"):
        assert OrmStore("by session").examine() == []


def _session() -> Any:
    with connections[BOUNCED].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
