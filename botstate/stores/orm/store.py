"""The five facets on one database."""

from django.db import connections

from botstate.contracts.addresses import check_text
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, check_bound
from botstate.contracts.stores import StateStore
from botstate.stores.orm.dedup import OrmDedup
from botstate.stores.orm.kv import OrmKv
from botstate.stores.orm.lists import OrmList
from botstate.stores.orm.locks import OrmLock
from botstate.stores.orm.queues import OrmQueue
from botstate.stores.orm.sweep import sweep

MAX_NAMESPACE_CHARACTERS = 255


class OrmStore(StateStore):
    """kv, list, lock, dedup and queue as rows of the database `using`.

    namespace: at most 255 characters; stores of different namespaces share the tables and never a key.
    max_value_bytes: the longest JSON text of one value, 1 MiB by default.
    """

    def __init__(
        self, using: str = "default", namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES
    ) -> None:
        if namespace:
            check_text(namespace, "namespace", MAX_NAMESPACE_CHARACTERS)
        check_bound(max_value_bytes, "max_value_bytes", 1)
        self._using = using
        super().__init__(
            kv=OrmKv(using, namespace, max_value_bytes),
            lists=OrmList(using, namespace, max_value_bytes),
            lock=OrmLock(using, namespace, max_value_bytes),
            dedup=OrmDedup(using, namespace, max_value_bytes),
            queue=OrmQueue(using, namespace, max_value_bytes),
        )

    def _sweep(self, limit: int) -> dict[str, int]:
        return sweep(self._using, limit)

    def _close(self) -> None:
        connections[self._using].close()
