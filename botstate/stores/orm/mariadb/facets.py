"""The five fast facets."""

from typing import Any

from botstate.stores.orm.keyed import OrmKeyed
from botstate.stores.orm.mariadb.dedup import FastDedup
from botstate.stores.orm.mariadb.kv import FastKv
from botstate.stores.orm.mariadb.lists import FastList
from botstate.stores.orm.mariadb.locks import FastLock
from botstate.stores.orm.mariadb.queues import FastQueue


def fast_facets(using: str, namespace: str, max_value_bytes: int) -> dict[str, Any]:
    """Return the facets as `StateStore` takes them."""
    return {
        "kv": FastKv(using, namespace, max_value_bytes),
        "lists": FastList(using, namespace, max_value_bytes),
        "lock": FastLock(using, namespace, max_value_bytes),
        "dedup": FastDedup(using, namespace, max_value_bytes),
        "queue": FastQueue(using, namespace, max_value_bytes),
        "keyed": OrmKeyed(using, namespace, max_value_bytes),
    }
