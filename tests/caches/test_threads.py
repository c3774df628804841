"""The thread of a cache and its database connection: when they begin, and that they end."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from botstate.caches import MirroredCache, executor
from tests.caches.faults import Faulty, Shelf
from tests.stores.waiting import until

pytestmark = [pytest.mark.usefixtures("switched_on", "transactional_db")]

#: SQLite has no sessions to count, and keeps a closed connection's file open while there are others in the process.
on_servers = pytest.mark.needs("postgresql", "mysql")

Make = Callable[..., MirroredCache]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("botstate-tests:")]


def connections_open() -> int:
    """Return how many connections there are to the test database."""
    sql = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
        "mysql": "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE()",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


@pytest.fixture
def before() -> int:
    connection.ensure_connection()
    until(lambda: threads() == [], "no other test's thread is there")
    return connections_open()


@on_servers
def test_an_idle_thread_ends_and_gives_its_connection_back(make_cache: Make, before: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(executor, "IDLE_S", 0.05)
    cache = make_cache(store=None)
    for number in range(3):
        cache.register("key", number)
        cache.forget()
        assert cache.lookup("key") == number
        until(lambda: threads() == [], "it has ended")
        until(lambda: connections_open() == before, "its connection is closed")
    assert cache.status().failures == {}


@on_servers
def test_a_thread_that_is_used_stays_with_its_connection(make_cache: Make, before: int) -> None:
    cache = make_cache(store=None)
    cache.register("key", 1)
    (thread,) = threads()
    for _ in range(5):
        cache.forget()
        assert cache.lookup("key") == 1
    assert threads() == [thread]
    assert connections_open() == before + 1


@on_servers
def test_closing_ends_it_and_it_begins_anew(make_cache: Make, before: int) -> None:
    cache = make_cache(store=None)
    assert cache.close(), "there is nothing to close yet"
    for number in range(2):
        cache.register("key", number)
        assert cache.close(20)
        assert cache.close(20)
        assert threads() == []
        until(lambda: connections_open() == before, "its connection is closed")
        cache.forget()
        assert cache.lookup("key") == number
    assert cache.close(20)


@on_servers
def test_a_failure_gives_the_connection_back(make_cache: Make, before: int, long_pauses: None) -> None:
    cache = make_cache(store=None)
    cache.register("key", 1)
    assert connections_open() == before + 1
    mirror = cache._mirror()
    assert mirror is not None
    keyed, mirror._keyed = mirror._keyed, None  # type: ignore[assignment]
    cache.register("key", 2)
    assert cache.status().failures == {"AttributeError": 1}
    until(lambda: connections_open() == before, "nothing is held while the store is left alone")
    mirror._keyed = keyed
    assert cache.close(20)
    assert keyed.lookup("key") == 2


def test_closing_and_using_it_again(make_cache: Make, monkeypatch: Any) -> None:
    monkeypatch.setattr(executor, "IDLE_S", 0.05)
    cache = make_cache(store=None)
    for number in range(3):
        cache.register("key", number)
        if number == 1:
            assert cache.close(20)
        until(lambda: threads() == [], "it has ended")
        cache.forget()
        assert cache.lookup("key") == number
    assert cache.status().failures == {}


@pytest.mark.once
def test_closing_writes_what_waits_though_the_store_is_left_alone(
    make_cache: Make, faulty: Faulty, shelf: Shelf, long_pauses: None
) -> None:
    cache = make_cache()
    with faulty.away():
        for number in range(10):
            cache.register(f"key {number}", number)
        assert cache.close(20), "the store is away, and it ends"
        assert cache.status().waiting == 10
    assert cache.close(20)
    assert len(shelf.rows) == 10
    assert cache.status().waiting == 0


@pytest.mark.once
def test_what_could_not_be_written_at_the_close_is_written_when_the_cache_is_used_again(
    make_cache: Make, faulty: Faulty, shelf: Shelf, quick_pauses: None
) -> None:
    cache = make_cache()
    with faulty.away():
        cache.register("key", 1)
        cache.close(20)
    cache.lookup("missing")
    until(lambda: cache.status().waiting == 0, "it is written")
    assert shelf.values() == {"key": "1"}


@pytest.mark.once
def test_closing_does_not_wait_for_a_hang(make_cache: Make, faulty: Faulty) -> None:
    cache = make_cache()
    hang = faulty.hang("register")
    caller = threading.Thread(target=cache.register, args=("key", 1))
    caller.start()
    hang.until_reached()
    begun = time.monotonic()
    assert cache.close(0.05) is False
    assert time.monotonic() - begun < 5
    hang.released.set()
    caller.join()
    assert cache.close(20)


@pytest.mark.once
def test_two_close_at_once_while_others_use_it(make_cache: Make, shelf: Shelf) -> None:
    cache = make_cache(max_entries=1_000)
    users = [
        threading.Thread(target=lambda start=start: [cache.register(f"{start} {n}", n) for n in range(50)])
        for start in range(4)
    ]
    closers = [threading.Thread(target=lambda: [cache.close(20) for _ in range(20)]) for _ in range(2)]
    for thread in [*users, *closers]:
        thread.start()
    for thread in [*users, *closers]:
        thread.join()
    assert len(shelf.rows) == 200
    assert cache.status().failures == {}
