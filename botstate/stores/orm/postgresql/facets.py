"""The fast facets."""

from typing import Any

from botstate.stores.orm.postgresql.dedup import FastDedup
from botstate.stores.orm.postgresql.keyed import FastKeyed
from botstate.stores.orm.postgresql.kv import FastKv
from botstate.stores.orm.postgresql.lists import FastList
from botstate.stores.orm.postgresql.locks import FastLock
from botstate.stores.orm.postgresql.queues import FastQueue


def fast_facets(using: str, namespace: str, max_value_bytes: int, prepare: bool) -> dict[str, Any]:
    """Return the facets as `StateStore` takes them."""
    return {
        "kv": FastKv(using, namespace, max_value_bytes, prepare),
        "lists": FastList(using, namespace, max_value_bytes, prepare),
        "lock": FastLock(using, namespace, max_value_bytes, prepare),
        "dedup": FastDedup(using, namespace, max_value_bytes, prepare),
        "queue": FastQueue(using, namespace, max_value_bytes, prepare),
        "keyed": FastKeyed(using, namespace, max_value_bytes, prepare),
    }
