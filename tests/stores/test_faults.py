"""A database that is away: StoreUnavailable with its cause, soon, and the store recovers by itself."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import Error, OperationalError, connection, connections, transaction

from botstate.exceptions import StoreError, StoreUnavailable
from botstate.stores import OrmStore
from tests.stores.aliases import Proxy, temporary_store
from tests.stores.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)

CALLS: dict[str, Callable[[OrmStore], Any]] = {
    "kv.get": lambda store: store.kv.get("key"),
    "kv.set": lambda store: store.kv.set("key", 1),
    "kv.consume": lambda store: store.kv.consume("key"),
    "list.append": lambda store: store.list.append("key", 1),
    "list.range": lambda store: store.list.range("key"),
    "lock.acquire": lambda store: store.lock.acquire("key"),
    "lock.release": lambda store: store.lock.release("key", "0" * 32),
    "dedup.seen": lambda store: store.dedup.seen("key", 60),
    "dedup.check": lambda store: store.dedup.check("key"),
    "queue.enqueue": lambda store: store.queue.enqueue("key", 1),
    "queue.depth": lambda store: store.queue.depth("key"),
    "queue.claim": lambda store: store.queue.claim("key", 60),
    "sweep": lambda store: store.sweep(),
}


def assert_unavailable(store: OrmStore) -> None:
    for name, call in CALLS.items():
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as told:
            call(store)
        assert isinstance(told.value.__cause__, Error), f"{name}: StoreUnavailable carries the driver's error"
        assert time.monotonic() - begun < 5, f"{name}: StoreUnavailable comes within a bounded time"


@pytest.fixture
def proxied() -> Iterator[tuple[OrmStore, Proxy]]:
    """A store whose PostgreSQL can be taken away."""
    settings = connection.settings_dict
    proxy = Proxy(free_port(), (settings["HOST"], int(settings["PORT"] or 5432)))
    with temporary_store("proxied", HOST="127.0.0.1", PORT=proxy.port) as store:
        yield store, proxy
        proxy.down()


def test_a_closed_port_is_store_unavailable() -> None:
    server = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "USER": "nobody", "NAME": "none"}
    with temporary_store("away", **server, PORT=free_port(), OPTIONS={}) as store:
        assert_unavailable(store)
        with pytest.raises(StoreUnavailable) as told:
            store.kv.get("key")
        assert isinstance(told.value.__cause__, OperationalError)


@pytest.mark.needs("sqlite")
def test_a_file_that_is_away_is_store_unavailable_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "away"
    with temporary_store("file", NAME=str(folder / "db.sqlite3")) as store:
        assert_unavailable(store)
        folder.mkdir()
        with connections["file"].schema_editor() as editor:
            for model in apps.get_app_config("botstate").get_models():
                editor.create_model(model)
        store.kv.set("key", 1)
        assert store.kv.get("key") == 1, "the store recovers by itself"
        assert OrmStore().kv.get("key") is None, "each store has its own database"


def test_a_database_without_tables_says_that_it_was_not_migrated(tmp_path: Path) -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "empty.sqlite3"), "OPTIONS": {}}
    with temporary_store("empty", **sqlite) as store, pytest.raises(StoreError, match="migrate") as told:
        store.kv.get("key")
    assert not isinstance(told.value, StoreUnavailable), "a missing table does not come back by itself"


@pytest.mark.needs("postgresql")
def test_a_server_that_goes_and_comes(proxied: tuple[OrmStore, Proxy]) -> None:
    store, proxy = proxied
    assert_unavailable(store)
    for value in range(2):
        proxy.up()
        store.kv.set("key", value)
        assert store.kv.get("key") == value, "the store recovers by itself when the server is back"
        proxy.down()
        assert_unavailable(store)


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("name", ["kv.set", "list.append", "lock.acquire", "sweep"])
def test_a_standby_is_left_for_the_new_primary(name: str) -> None:
    """It answers, and refuses to write: after a failover its connections are those to the old primary."""
    with temporary_store("standby", OPTIONS={"options": "-c default_transaction_read_only=on"}) as store:
        store.kv.get("key")
        with pytest.raises(StoreUnavailable, match="25006"):
            CALLS[name](store)
        assert connections["standby"].connection is None, "the next call connects anew"
        with transaction.atomic(using="standby"):
            with pytest.raises(StoreUnavailable, match="25006"):
                store.kv.set("key", 1)
            assert connections["standby"].connection is not None, "the caller's transaction is the caller's to end"
            transaction.set_rollback(True, using="standby")


@pytest.mark.needs("postgresql")
def test_a_connection_cut_inside_a_transaction(proxied: tuple[OrmStore, Proxy]) -> None:
    store, proxy = proxied
    proxy.up()
    store.kv.set("key", "before")
    with pytest.raises(StoreUnavailable), transaction.atomic(using="proxied"):
        store.kv.set("key", "within")
        proxy.down()
        try:
            store.kv.set("other", "within")
        finally:
            proxy.up()
    assert store.kv.get("key") == "before", "a transaction that was cut has changed nothing"
    assert store.kv.get("other") is None
    store.kv.set("key", "after")
    assert store.kv.get("key") == "after", "the store recovers by itself"


@pytest.mark.needs("postgresql")
def test_a_connection_that_the_server_ended_is_replaced(proxied: tuple[OrmStore, Proxy]) -> None:
    store, proxy = proxied
    proxy.up()
    store.kv.set("key", 1)
    with connections["proxied"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(StoreUnavailable):
        store.kv.get("key")
    assert store.kv.get("key") == 1, "the call after that has a new connection"
