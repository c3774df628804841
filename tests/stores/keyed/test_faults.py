"""Keyed entries on a database that is away: StoreUnavailable with its cause, soon, naming the operation."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import Error, connection, transaction

from botstate.exceptions import BotStateMisconfigured, StoreError, StoreUnavailable
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import MemoryStore, OrmStore
from tests.stores.aliases import Proxy, temporary_store
from tests.stores.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)

CALLS: dict[str, Callable[[KeyedStore], Any]] = {
    "register": lambda entries: entries.register("a", 1),
    "register_if_absent": lambda entries: entries.register_if_absent("a", 1),
    "lookup": lambda entries: entries.lookup("a"),
    "lookup_entry": lambda entries: entries.lookup_entry("a"),
    "lookup_many": lambda entries: entries.lookup_many(["a"]),
    "consume": lambda entries: entries.consume("a"),
    "update": lambda entries: entries.update("a", lambda had: 1),
    "compare_and_set": lambda entries: entries.compare_and_set("a", 1, 2),
    "delete": lambda entries: entries.delete("a"),
    "delete_if": lambda entries: entries.delete_if("a", 1),
    "entries": lambda entries: entries.entries(),
    "entries_in_range": lambda entries: entries.entries_in_range("a", "b"),
    "count": lambda entries: entries.count(),
    "clear": lambda entries: entries.clear(),
}


def assert_unavailable(entries: KeyedStore) -> None:
    for name, call in CALLS.items():
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as told:
            call(entries)
        assert isinstance(told.value.__cause__, Error), f"{name}: StoreUnavailable carries the driver's error"
        assert (told.value.code, told.value.operation) == ("store_unavailable", name)
        assert time.monotonic() - begun < 5, f"{name}: StoreUnavailable comes within a bounded time"


def test_a_closed_port_is_store_unavailable() -> None:
    server = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "USER": "nobody", "NAME": "none"}
    with temporary_store("away", **server, PORT=free_port(), OPTIONS={}) as store:
        assert_unavailable(open_keyed_store("n", store=store))


def test_a_database_without_tables_says_that_it_was_not_migrated(tmp_path: Any) -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "empty.sqlite3"), "OPTIONS": {}}
    with temporary_store("empty", **sqlite) as store:
        for name, call in CALLS.items():
            with pytest.raises(StoreError, match="migrate") as told:
                call(open_keyed_store("n", store=store))
            assert (type(told.value), told.value.operation) == (StoreError, name)


@pytest.fixture
def proxied() -> Iterator[tuple[OrmStore, Proxy]]:
    """A store whose PostgreSQL can be taken away."""
    settings = connection.settings_dict
    proxy = Proxy(free_port(), (settings["HOST"], int(settings["PORT"] or 5432)))
    with temporary_store("proxied", HOST="127.0.0.1", PORT=proxy.port) as store:
        yield store, proxy
        proxy.down()


@pytest.mark.needs("postgresql")
def test_a_server_that_goes_and_comes(proxied: tuple[OrmStore, Proxy]) -> None:
    store, proxy = proxied
    entries = open_keyed_store("n", max_entries=3, store=store)
    assert_unavailable(entries)
    for value in range(2):
        proxy.up()
        entries.register("a", value)
        assert entries.lookup("a") == value, "the store recovers by itself when the server is back"
        proxy.down()
        assert_unavailable(entries)


@pytest.mark.needs("postgresql")
def test_a_connection_cut_inside_a_transaction_changes_nothing(proxied: tuple[OrmStore, Proxy]) -> None:
    store, proxy = proxied
    entries = open_keyed_store("n", store=store)
    proxy.up()
    entries.register("a", "before")

    def cut(had: Any) -> Any:
        proxy.down()
        return "within"

    for fails in (lambda: entries.update("a", cut), lambda: entries.register("a", "within")):
        with pytest.raises(StoreUnavailable), transaction.atomic(using="proxied"):
            entries.register("b", "within")
            proxy.down()
            try:
                fails()
            finally:
                proxy.up()
    assert entries.lookup_many(["a", "b"]) == ["before", None], "a transaction that was cut has changed nothing"
    with pytest.raises(StoreUnavailable):
        entries.update("a", cut)
    proxy.up()
    assert entries.lookup("a") == "before", "an update that was cut has changed nothing"


def test_a_store_that_has_no_entries_is_said_so_at_the_first_call() -> None:
    store = MemoryStore()
    store.keyed = None
    for named in ("nowhere", store):
        entries = open_keyed_store("n", store=named)
        for call in CALLS.values():
            with pytest.raises(BotStateMisconfigured):
                call(entries)
