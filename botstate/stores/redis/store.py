"""The five facets and keyed entries in one Redis."""

from functools import partial
from typing import ClassVar

from botstate.contracts.addresses import check_namespace
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, check_bound
from botstate.contracts.stores import StateStore
from botstate.stores.redis.dedup import RedisDedup
from botstate.stores.redis.examination import examine_server
from botstate.stores.redis.keyed import RedisKeyed
from botstate.stores.redis.kv import RedisKv
from botstate.stores.redis.link import RedisLink
from botstate.stores.redis.lists import RedisList
from botstate.stores.redis.locks import RedisLock
from botstate.stores.redis.queues import RedisQueue


class RedisStore(StateStore):
    """kv, list, lock, dedup, queue and keyed entries in a Redis 7 (or Valkey), through the django-redis alias `cache`.

    Every call is one round trip, by the server's clock. Redis joins no database transaction: what is written inside
    transaction.atomic() is seen at once and stays when it is rolled back.
    What survives a restart is what the server's persistence kept: `appendonly yes` with `appendfsync always` loses
    nothing that was acknowledged, `everysec` up to a second; a failover loses what was not yet replicated. A server
    that evicts (`maxmemory-policy` other than `noeviction`) may drop a held lock. `cache.clear()` on the alias
    empties its whole Redis database: give botstate a database number of its own.
    A server that is away is StoreUnavailable after at most the alias's socket timeouts (redis-py 8: 5 s each). A call
    that timed out may have been carried out; nothing is sent twice, so leave redis-py's own retries off.
    namespace: at most 255 characters; stores of different namespaces never share a key.
    max_value_bytes: how long one value may be, as JSON in UTF-8; 1 MiB by default.
    Made without any I/O. Raises BotStateMisconfigured where `cache` is no django-redis alias.
    """

    drops_expired: ClassVar[bool] = True

    def __init__(
        self, cache: str = "default", namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES
    ) -> None:
        check_namespace(namespace)
        max_value_bytes = check_bound(max_value_bytes, "max_value_bytes", 1)
        self._link = RedisLink(cache)
        super().__init__(
            kv=RedisKv(self._link, namespace, max_value_bytes),
            lists=RedisList(self._link, namespace, max_value_bytes),
            lock=RedisLock(self._link, namespace, max_value_bytes),
            dedup=RedisDedup(self._link, namespace, max_value_bytes),
            queue=RedisQueue(self._link, namespace, max_value_bytes),
            keyed=RedisKeyed(self._link, namespace, max_value_bytes),
        )

    def _examine(self) -> list[str]:
        """Say what is wrong with the server: its version, eviction, persistence and clock, and redis-py's retries."""
        return self._link.call(partial(examine_server, self._link.alias))

    def _sweep(self, limit: int) -> dict[str, int]:
        # Redis drops what expired by itself, and writers of keyed entries what expired among those.
        return dict.fromkeys(("kv", "list", "lock", "dedup", "queue", "keyed"), 0)

    def _close(self) -> None:
        self._link.close()
