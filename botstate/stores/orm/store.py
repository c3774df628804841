"""The five facets on one database."""

from typing import Any

from django.db import connections

from botstate.contracts.addresses import check_namespace
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, check_bound, check_flag
from botstate.contracts.stores import StateStore
from botstate.db.transactions import close_connection
from botstate.exceptions import BotStateMisconfigured
from botstate.stores.orm.dedup import OrmDedup
from botstate.stores.orm.examination import examine_database
from botstate.stores.orm.keyed import OrmKeyed
from botstate.stores.orm.kv import OrmKv
from botstate.stores.orm.lists import OrmList
from botstate.stores.orm.locks import OrmLock
from botstate.stores.orm.mariadb.facets import fast_facets as mariadb_facets
from botstate.stores.orm.queues import OrmQueue
from botstate.stores.orm.sqlite.facets import sqlite_facets
from botstate.stores.orm.sweep import sweep


class OrmStore(StateStore):
    """kv, list, lock, dedup and queue as rows of the database `using`.

    namespace: at most 255 characters; stores of different namespaces share the tables and never a key.
    max_value_bytes: how long one value may be, as JSON in UTF-8; 1 MiB by default.
    prepare: keep statements prepared on PostgreSQL; switch it off behind PgBouncer before 1.21 in transaction mode.
    portable: use Django's ORM alone, as on databases that have no path of their own: slower, and the same otherwise.
    Its connections are Django's, one per thread; `close` closes that of the calling thread.
    """

    def __init__(
        self,
        using: str = "default",
        namespace: str = "",
        max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES,
        prepare: bool = True,
        portable: bool = False,
    ) -> None:
        check_namespace(namespace)
        max_value_bytes = check_bound(max_value_bytes, "max_value_bytes", 1)
        check_flag(prepare, "prepare")
        check_flag(portable, "portable")
        if using not in connections:
            raise BotStateMisconfigured(f"the OrmStore's using is {using!r}, which DATABASES does not have")
        self._using = using
        self._prepares = prepare and not portable
        common = (using, namespace, max_value_bytes)
        super().__init__(**(_portable_facets(*common) if portable else _facets(*common, prepare)))

    def _examine(self) -> list[str]:
        return examine_database(self._using, self._prepares)

    def _sweep(self, limit: int) -> dict[str, int]:
        return sweep(self._using, limit)

    def _close(self) -> None:
        close_connection(self._using, "store.close")


def _facets(using: str, namespace: str, max_value_bytes: int, prepare: bool) -> dict[str, Any]:
    """Return the facets for the alias's database: the fast ones where there are some, else the portable ones."""
    common = (using, namespace, max_value_bytes)
    if connections[using].vendor == "postgresql" and _has_psycopg3():
        # Elsewhere there may be no psycopg to import.
        from botstate.stores.orm.postgresql.facets import fast_facets  # noqa: PLC0415

        return fast_facets(*common, prepare)
    if connections[using].vendor == "mysql":
        # On MySQL these are the portable ones. Which of the two it is, only the server knows.
        return mariadb_facets(*common)
    if connections[using].vendor == "sqlite" and connections[using].features.can_return_columns_from_insert:
        return sqlite_facets(*common)
    return _portable_facets(*common)


def _portable_facets(*common: Any) -> dict[str, Any]:
    return {
        "kv": OrmKv(*common),
        "lists": OrmList(*common),
        "lock": OrmLock(*common),
        "dedup": OrmDedup(*common),
        "queue": OrmQueue(*common),
        "keyed": OrmKeyed(*common),
    }


def _has_psycopg3() -> bool:
    """Django also works with psycopg2, which cannot bind parameters on the server."""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3  # noqa: PLC0415

    return bool(is_psycopg3)
