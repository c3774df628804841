"""Calls that never return, as behind a network that drops packets: the cache comes back once new ones are answered."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from botstate.caches import MirroredCache, executor, guard
from botstate.keyed import open_keyed_store
from botstate.stores import OrmStore
from tests.caches.conftest import join_threads
from tests.caches.faults import Faulty, Shelf
from tests.stores.faults.aliases import own_alias
from tests.stores.waiting import until

pytestmark = [pytest.mark.usefixtures("switched_on", "quick_pauses")]

Make = Callable[..., MirroredCache]
Switch = Callable[..., None]


def written(cache: MirroredCache) -> bool:
    """Use a cache once more; True if nothing waits any more."""
    cache.lookup("missing")
    return cache.status().waiting == 0


def hung(cache: MirroredCache, threads: list[threading.Thread], count: int) -> None:
    """Use a cache until so many of its threads hang."""

    def is_so() -> bool:
        cache.register("key", "new")
        return len(threads) >= count

    until(is_so, f"{count} threads hang")


@pytest.mark.once
def test_a_store_that_answers_again_is_used_though_every_thread_hangs(
    make_cache: Make, faulty: Faulty, shelf: Shelf, switch: Switch, monkeypatch: Any
) -> None:
    switch(TIMEOUT=0.03)
    monkeypatch.setattr(executor, "ONE_MORE_AFTER_S", 0.2)
    cache = make_cache()
    hang = faulty.hang()
    hung(cache, hang.threads, executor.MAX_ABANDONED)
    faulty.recover()
    until(lambda: written(cache), "the cache is back")
    assert not hang.released.is_set() and all(thread.is_alive() for thread in hang.threads)
    assert shelf.values() == {"key": '"new"'}
    cache.forget()
    assert cache.lookup("key") == "new"
    hang.release_and_join()
    assert shelf.values() == {"key": '"new"'}, "what comes late changes nothing"


@pytest.mark.once
def test_one_more_thread_is_started_at_a_time(
    make_cache: Make, faulty: Faulty, switch: Switch, monkeypatch: Any
) -> None:
    switch(TIMEOUT=0.03)
    cache = make_cache()
    hang = faulty.hang()
    hung(cache, hang.threads, executor.MAX_ABANDONED)
    until(lambda: not cache.register("key", 1) and "OverloadedError" in cache.status().failures, "there is none left")
    mirror = cache._mirror()
    assert mirror is not None
    for more in range(1, 4):
        # As if so much time had gone by since.
        mirror.guard._executor._abandoned_at -= executor.ONE_MORE_AFTER_S
        refused = cache.status().failures["OverloadedError"]
        hung(cache, hang.threads, executor.MAX_ABANDONED + more)
        until(
            lambda: not cache.register("key", 1) and cache.status().failures["OverloadedError"] > refused,  # noqa: B023
            "there is none left again",
        )
        assert len(hang.threads) == executor.MAX_ABANDONED + more


@pytest.mark.long
@pytest.mark.once
def test_they_are_bounded_however_long_it_lasts(
    make_cache: Make, faulty: Faulty, shelf: Shelf, switch: Switch, monkeypatch: Any
) -> None:
    switch(TIMEOUT=0.03)
    monkeypatch.setattr(executor, "ONE_MORE_AFTER_S", 0.0)
    monkeypatch.setattr(executor, "MAX_HANGING", 7)
    cache = make_cache()
    hang = faulty.hang()
    hung(cache, hang.threads, 7)
    until(lambda: not cache.register("key", "new") and "OverloadedError" in cache.status().failures, "that is all")
    assert len(hang.threads) == 7
    faulty.recover()
    hang.release_and_join()
    until(lambda: written(cache), "the cache is back")
    assert shelf.values() == {"key": '"new"'}


HOLED = "holed"


class BlackHole:
    """Forwards a local port to a server; whoever sends while it `drops` gets no byte more, and no end, until closed."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.drops = threading.Event()
        self._closed = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """End every connection."""
        self._closed.set()
        for each in [self._listener, *self._sockets]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        for each in [self._listener, *self._sockets]:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
                self._sockets += [near, far]
                for ends in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pump, args=ends, daemon=True))
                    self._threads[-1].start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                if self.drops.is_set():
                    self._closed.wait()
                    return
                target.sendall(chunk)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def hole(transactional_db: None, django_db_blocker: Any) -> Iterator[BlackHole]:
    settings = connection.settings_dict
    made = BlackHole((settings["HOST"], int(settings["PORT"] or 5432)))
    # Without the timeouts of a careful project, with which none would hang for long.
    through = settings | {"HOST": "127.0.0.1", "PORT": made.port, "OPTIONS": {}}
    with django_db_blocker.unblock(), own_alias(HOLED, **through):
        try:
            yield made
        finally:
            made.close()
            # They close their connections while there is such an alias.
            join_threads()


@pytest.mark.long
@pytest.mark.needs("postgresql")
def test_a_network_that_dropped_packets_for_a_while(
    make_cache: Make, hole: BlackHole, switch: Switch, monkeypatch: Any
) -> None:
    switch(TIMEOUT=0.5)
    monkeypatch.setattr(executor, "ONE_MORE_AFTER_S", 2.0)
    monkeypatch.setattr(guard, "MAX_PAUSE_S", 1.0)
    cache = make_cache(store=OrmStore(HOLED))
    cache.register("key", "old")
    until(lambda: written(cache), "it works")
    hole.drops.set()
    until(
        lambda: not cache.register("key", "new") and "OverloadedError" in cache.status().failures,
        "every thread that there may be hangs",
    )
    hole.drops.clear()
    until(lambda: written(cache), "the cache is back, on a connection that is answered")
    assert open_keyed_store("entries").lookup("key") == "new"
    cache.forget()
    assert cache.lookup("key") == "new"
    assert cache.close(20)
    hanging = [thread for thread in threading.enumerate() if thread.name.startswith("botstate-tests:")]
    assert len(hanging) >= executor.MAX_ABANDONED, "they still wait for an answer"
