"""The five SQLite facets."""

from typing import Any

from botstate.stores.orm.keyed import OrmKeyed
from botstate.stores.orm.sqlite.dedup import SqliteDedup
from botstate.stores.orm.sqlite.kv import SqliteKv
from botstate.stores.orm.sqlite.lists import SqliteList
from botstate.stores.orm.sqlite.locks import SqliteLock
from botstate.stores.orm.sqlite.queues import SqliteQueue


def sqlite_facets(using: str, namespace: str, max_value_bytes: int) -> dict[str, Any]:
    """Return the facets as `StateStore` takes them."""
    common = (using, namespace, max_value_bytes)
    return {
        "kv": SqliteKv(*common),
        "lists": SqliteList(*common),
        "lock": SqliteLock(*common),
        "dedup": SqliteDedup(*common),
        "queue": SqliteQueue(*common),
        "keyed": OrmKeyed(using, namespace, max_value_bytes),
    }
