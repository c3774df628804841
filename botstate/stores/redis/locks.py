"""Locks in Redis: a hash per key, kept for a day after its lease so that its fence goes on growing."""

from botstate.contracts.addresses import Address
from botstate.contracts.locks import LockFacet
from botstate.stores.redis.facet import RedisFacet
from botstate.stores.redis.link import EVEN_WHEN_FULL

#: A lock that nobody has used for this long goes; a later one of its key starts with a greater fence.
IDLE_US = 86_400 * 1_000_000

_ROW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local row = redis.call('HMGET', KEYS[1], 'token', 'expires_us', 'fence')
local held = row[1] and row[1] ~= '' and tonumber(row[2]) > now
local function keep(expires)
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', (expires - now + IDLE_US) / 1000))
end
""".replace("IDLE_US", str(IDLE_US))

# KEYS: the hash. ARGV: the token, the ttl in microseconds.
_ACQUIRE = (
    _ROW
    + """
if held then
  return false
end
local fence = row[3] and row[3] + 1 or now
local expires = now + ARGV[2]
redis.call('HSET', KEYS[1], 'token', ARGV[1],
  'expires_us', string.format('%.0f', expires), 'fence', string.format('%.0f', fence))
keep(expires)
return {fence, expires}
"""
)

# KEYS: the hash. ARGV: the token, the ttl in microseconds.
_EXTEND = (
    EVEN_WHEN_FULL
    + _ROW
    + """
if not held or row[1] ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'expires_us', string.format('%.0f', now + ARGV[2]))
keep(now + ARGV[2])
return 1
"""
)

# KEYS: the hash. ARGV: the token, or "" for whoever holds the lock.
_RELEASE = (
    EVEN_WHEN_FULL
    + _ROW
    + """
if not held or (ARGV[1] ~= '' and row[1] ~= ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'token', '')
keep(now)
return 1
"""
)


class RedisLock(RedisFacet, LockFacet):
    """Hashes of token, expires_us and fence, updated in place. Where there is none, the fence starts at the server's
    microseconds since 1970, above any that an earlier hash of the key can have reached.
    """

    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        taken = self._link.run(_ACQUIRE, [self._key(address)], token, ttl_us)
        return None if taken is None else (int(taken[0]), int(taken[1]))

    def _release(self, address: Address, token: str) -> bool:
        return bool(self._link.run(_RELEASE, [self._key(address)], token))

    def _extend(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._link.run(_EXTEND, [self._key(address)], token, ttl_us))

    def _force_release(self, address: Address) -> bool:
        return bool(self._link.run(_RELEASE, [self._key(address)], ""))
