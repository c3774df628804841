"""kv in Redis: one string per key, which Redis expires by itself."""

from botstate.contracts.addresses import Address
from botstate.contracts.kv import KvFacet
from botstate.stores.redis.facet import RedisFacet, milliseconds
from botstate.stores.redis.link import optional_text


class RedisKv(RedisFacet, KvFacet):
    """Strings; one command each."""

    def _get(self, address: Address) -> str | None:
        key = self._key(address)
        return optional_text(self._link.call(lambda client: client.get(key)))

    def _set(self, address: Address, text: str, ttl_us: int | None) -> None:
        key = self._key(address)
        expiry = () if ttl_us is None else ("PX", milliseconds(ttl_us))
        # redis-py's own `set` weighs a dozen options, which takes longer than anything else here.
        self._link.call(lambda client: client.execute_command("SET", key, text, *expiry))

    def _delete(self, address: Address) -> bool:
        key = self._key(address)
        return self._link.call(lambda client: bool(client.delete(key)))

    def _consume(self, address: Address) -> str | None:
        key = self._key(address)
        return optional_text(self._link.call(lambda client: client.getdel(key)))
