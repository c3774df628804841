"""Moving the RedisStore's clock: instead of it, every expiry of a namespace is moved the other way."""

from django_redis import get_redis_connection

from tests.stores.redis.server import ALIAS, keys_of

# KEYS: one key of any facet. ARGV: the microseconds by which its expiries come nearer.
_SHIFT = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' and redis.call('HEXISTS', KEYS[1], 'expires_us') == 1 then
  local expires = redis.call('HGET', KEYS[1], 'expires_us') - ARGV[1]
  redis.call('HSET', KEYS[1], 'expires_us', string.format('%.0f', expires))
elseif kind == 'zset' then
  for _, place in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 1e14, '+inf')) do
    redis.call('ZINCRBY', KEYS[1], -ARGV[1], place)
  end
end
local at = redis.call('PEXPIRETIME', KEYS[1])
if at > 0 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', at - ARGV[1] / 1000))
end
"""


def advance(namespace: str, seconds: float) -> None:
    """Let `seconds` pass for every key of the namespace."""
    client = get_redis_connection(ALIAS)
    for key in keys_of(namespace):
        client.eval(_SHIFT, 1, key, round(seconds * 1_000_000))
