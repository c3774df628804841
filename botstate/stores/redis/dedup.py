"""Dedup in Redis: one string per key, the claim's token or "done", which Redis expires by itself."""

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupFacet, DedupStatus
from botstate.stores.redis.facet import RedisFacet, milliseconds
from botstate.stores.redis.link import EVEN_WHEN_FULL, text_of

#: No token, which is 32 hexadecimal digits.
_DONE = "done"

# KEYS: the string. ARGV: the token, the ttl in milliseconds.
_COMMIT = (
    EVEN_WHEN_FULL
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2])
return 1
"""
)

# KEYS: the string. ARGV: the token.
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
"""


class RedisDedup(RedisFacet, DedupFacet):
    """Strings; a new key has none."""

    def _seen(self, address: Address, ttl_us: int) -> bool:
        return not self._record(address, _DONE, ttl_us)

    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return self._record(address, token, lease_us)

    def _record(self, address: Address, state: str, ttl_us: int) -> bool:
        """Write `state` if the key is new; True if it was."""
        key, px = self._key(address), milliseconds(ttl_us)
        return self._link.call(lambda client: bool(client.execute_command("SET", key, state, "PX", px, "NX")))

    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._link.run(_COMMIT, [self._key(address)], token, milliseconds(ttl_us)))

    def _release(self, address: Address, token: str) -> bool:
        return bool(self._link.run(_RELEASE, [self._key(address)], token))

    def _check(self, address: Address) -> DedupStatus:
        key = self._key(address)
        state = self._link.call(lambda client: client.get(key))
        if state is None:
            return "new"
        return "done" if text_of(state) == _DONE else "claimed"
