"""The stores that are measured, by name; needs `configure` first."""

from botstate.contracts.stores import StateStore
from botstate.stores.memory.store import MemoryStore
from botstate.stores.orm.store import OrmStore
from botstate.stores.redis.store import RedisStore
from django.db import connections

from bench.databases import NAMESPACE, REDIS_URL, SQL_STORES, url_of_postgresql
from bench.floors import (
    RECORDER_NAMESPACE,
    Floor,
    commands_of,
    django_player,
    postgresql_player,
    redis_player,
    statements_of,
)


def make_store(name: str, role: str, namespace: str = NAMESPACE) -> StateStore:
    """Return a store on the scratch database for `role`."""
    if name == "memory":
        return MemoryStore(namespace=namespace, max_entries=2_000_000)
    if name == "redis":
        return RedisStore(cache="redis", namespace=namespace)
    return OrmStore(using=f"{name}_{role}", namespace=namespace)


def make_floor(name: str, run: str) -> Floor | None:
    """Return the floor of a store; the memory store has none."""
    if name == "memory":
        return None
    if name == "redis":
        store = make_store(name, "recorder", namespace=RECORDER_NAMESPACE)
        return Floor(store, lambda: commands_of(store), redis_player(REDIS_URL))
    alias = f"{name}_recorder"
    if name == "postgresql":
        play = postgresql_player(url_of_postgresql(run, "floor"))
    else:
        play = django_player(f"{name}_floor")
    return Floor(make_store(name, "recorder"), lambda: statements_of(alias), play, tells_autocommit=name != "sqlite")


def close_connection(name: str, role: str) -> None:
    """Close this thread's connection."""
    if name in SQL_STORES:
        connections[f"{name}_{role}"].close()
