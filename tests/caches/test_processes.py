"""Caches of several processes on one store: real restarts, races, and forks at bad moments."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from botstate.caches import MirroredCache
from tests.caches import client
from tests.caches.faults import Faulty, Shelf
from tests.runtime.forks import Fork, Say
from tests.stores.racers import ROOT

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.usefixtures("switched_on", "transactional_db")]

Make = Callable[..., MirroredCache]
FORKS = 4


@pytest.fixture
def fork() -> Iterator[Callable[[Callable[[Say], None]], Fork]]:
    """Start processes that do not outlive the test."""
    started: list[Fork] = []

    def start(act: Callable[[Say], None]) -> Fork:
        started.append(Fork(act))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def test_what_a_killed_process_registered_is_there_and_what_it_consumed_is_not(make_cache: Make) -> None:
    database = connection.settings_dict
    first = client.run(
        database,
        ["register", "kept", {"a": [1]}],
        ["register", "taken", 2],
        ["register", "consumed", 3],
        ["consume", "consumed"],
        ["register", "deleted", 4],
        ["delete", "deleted"],
        is_killed=True,
    )
    assert first == [None, None, None, 3, None, True]
    cache = make_cache(store=None)
    assert cache.lookup("kept") == {"a": [1]}
    assert cache.consume("taken") == 2
    assert [cache.lookup(key) for key in ("consumed", "deleted")] == [None, None]
    entry = cache.lookup_entry("kept")
    assert entry is not None
    calls = [["lookup", key] for key in ("kept", "taken", "consumed", "deleted")]
    found = client.run(database, *calls, ["lookup_entry", "kept"], ["consume", "kept"])
    assert found == [{"a": [1]}, None, None, None, entry.created_at.isoformat(), {"a": [1]}]
    cache.forget()
    assert cache.lookup("kept") is None


def test_of_many_processes_one_consumes(make_cache: Make, fork: Any) -> None:
    cache = make_cache(store=None)
    keys = [f"key {number}" for number in range(12)]
    for key in keys:
        cache.register(key, key)

    def consume(say: Say) -> None:
        assert cache.status().entries == 0
        for key in keys:
            # Some have it in memory by then, others have not.
            if len(key) % 2:
                cache.lookup(key)
            value = cache.consume(key)
            if value is not None:
                say(value)
        assert cache.status().failures == {}

    got = [line for each in [fork(consume) for _ in range(FORKS)] for line in each.wait()]
    assert sorted(got) == sorted(keys)
    assert [cache.consume(key) for key in keys] == [None] * len(keys), "though it has them in memory"
    assert cache.status().failures == {}


@pytest.mark.once
def test_a_fork_begins_empty_and_leaves_the_parents_writes_to_it(
    make_cache: Make, faulty: Faulty, shelf: Shelf, fork: Any, long_pauses: None
) -> None:
    cache = make_cache()
    cache.register("written", 1)
    with faulty.away():
        cache.register("waiting", 2)
    assert (cache.status().entries, cache.status().waiting) == (2, 1)

    def act(say: Say) -> None:
        assert cache.status().entries == cache.status().waiting == 0
        assert cache.status().failures == {}
        assert cache.peek("written") is None
        assert cache.lookup("written") == 1
        cache.register("of the child", 3)
        assert cache.close(20)
        say(" ".join(sorted(shelf.rows)))

    assert fork(act).wait() == ["of the child written"]
    assert cache.peek("waiting") == 2
    assert cache.close(20)
    assert sorted(shelf.rows) == ["waiting", "written"]


@pytest.mark.once
def test_a_fork_in_the_middle_of_a_call_and_under_locks(
    make_cache: Make, faulty: Faulty, shelf: Shelf, fork: Any
) -> None:
    cache = make_cache()
    hang = faulty.hang("register")
    caller = threading.Thread(target=cache.register, args=("key", 1))
    caller.start()
    hang.until_reached()
    mirror = cache._mirror()
    assert mirror is not None
    locks = [
        cache._opening,
        cache._memory._lock,
        mirror._order,
        mirror.journal._lock,
        mirror.guard._lock,
        mirror.guard._executor._changed,
    ]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        for lock in locks:
            lock.acquire()  # type: ignore[attr-defined]
        held.set()
        done.wait(20)
        for lock in locks:
            lock.release()  # type: ignore[attr-defined]

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)

    def act(say: Say) -> None:
        faulty.recover()
        cache.register("child", 2)
        assert cache.lookup("child") == 2
        assert cache.lookup("key") is None
        assert cache.consume("child") == 2
        assert cache.close(20)
        say("done")

    child = fork(act)
    assert child.next_line() == "done"
    done.set()
    faulty.recover()
    hang.released.set()
    for thread in (holder, caller):
        thread.join()
    assert shelf.values() == {"key": "1"}, "the parent's call has gone on"


def test_the_parents_connection_survives_a_child(make_cache: Make, fork: Any) -> None:
    cache = make_cache(store=None)
    cache.register("key", 1)

    def act(say: Say) -> None:
        assert cache.lookup("key") == 1
        cache.register("child", 2)
        assert cache.close(20)

    fork(act).wait()
    cache.forget()
    assert [cache.lookup("key"), cache.lookup("child")] == [1, 2]
    assert cache.status().failures == {}


EXIT = """
import threading
from django.conf import settings
settings.configure(BOTSTATE={"CACHES": {"tests": {"PERSISTENT": True, "TIMEOUT": 0.1}}})
from botstate.caches import MirroredCache
from tests.caches.faults import Faulty, Shelf
store = Faulty(Shelf())
store._before["register"] = threading.Event().wait
cache = MirroredCache("tests", "entries", max_entries=10, store=store)
cache.register("key", 1)
print(cache.status().waiting, flush=True)
"""


@pytest.mark.once
def test_a_process_with_a_store_that_hangs_ends() -> None:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", EXIT], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "1\n"
    assert time.monotonic() - begun < 20
    assert "Traceback" not in done.stderr
