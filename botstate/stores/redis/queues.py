"""Queues in Redis: a list of what was never claimed, and what was claimed beside it."""

from typing import Any

from botstate.contracts.addresses import Address
from botstate.contracts.facet import new_token
from botstate.contracts.queues import OnFull, QueueFacet
from botstate.stores.redis.facet import RedisFacet, count
from botstate.stores.redis.link import EVEN_WHEN_FULL, optional_text, text_of

# A claim takes the oldest waiting item, so all that was ever claimed is older than all that was not. The latter is a
# list of texts (KEYS[1]); an item gets its place, a number that grows, when it is first claimed. KEYS[2] is a sorted
# set of places: the score is the lease's end in microseconds, or the place itself when the item waits again, far below
# any time; so those come first, by age. KEYS[3] is a hash: the text by place, the token by place and "t", the attempts
# by place and "a", and the last place under "last". It goes when the sorted set does. All three expire together.
_QUEUE = """
local PLACES = 1e14
local fresh, claims, items = KEYS[1], KEYS[2], KEYS[3]
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function restore(time)
  if redis.call('EXISTS', items) == 0 then
    -- Evicted: without its text a place is nothing.
    redis.call('DEL', claims)
  end
  local lapsed = redis.call('ZRANGEBYSCORE', claims, PLACES, time)
  for _, place in ipairs(lapsed) do
    redis.call('ZADD', claims, place, place)
  end
end
local function remove(place)
  redis.call('ZREM', claims, place)
  redis.call('HDEL', items, place, place .. 't', place .. 'a')
  if redis.call('EXISTS', claims) == 0 then
    redis.call('DEL', items)
  end
end
local function returned()
  local first = redis.call('ZRANGE', claims, 0, 0, 'WITHSCORES')
  return first[1] and tonumber(first[2]) < PLACES and first[1]
end
local function depth()
  return redis.call('LLEN', fresh) + redis.call('ZCARD', claims)
end
"""

# ARGV: the text, the most items or "", the policy, the ttl in microseconds or "".
_ENQUEUE = (
    _QUEUE
    + """
local length = redis.call('RPUSH', fresh, ARGV[1])
local kept = redis.call('ZCARD', claims)
if ARGV[4] ~= '' then
  local time = now()
  local at = math.max(math.floor((time + ARGV[4]) / 1000) - 1, math.floor(time / 1000) + 1)
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIREAT', key, string.format('%.0f', at))
  end
elseif length == 1 and kept > 0 then
  local at = redis.call('PEXPIRETIME', items)
  if at > 0 then
    redis.call('PEXPIREAT', fresh, string.format('%.0f', at))
  end
end
local over = ARGV[2] ~= '' and length + kept - ARGV[2] or 0
if over <= 0 then
  return length + kept
end
local function drop_returned(range, lowest, highest)
  for _, place in ipairs(redis.call(range, claims, lowest, highest, 'LIMIT', 0, string.format('%.0f', over))) do
    remove(place)
    over = over - 1
  end
end
local function drop_fresh(first, last)
  local dropped = math.min(over, length)
  over = over - dropped
  redis.call('LTRIM', fresh, string.format('%.0f', first * dropped), string.format('%.0f', last * dropped - 1))
end
if kept > 0 then
  restore(now())
end
if ARGV[3] == 'drop-oldest' then
  drop_returned('ZRANGEBYSCORE', '-inf', PLACES)
  drop_fresh(1, 0)
else
  drop_fresh(0, -1)
  drop_returned('ZREVRANGEBYSCORE', PLACES, '-inf')
end
return depth()
"""
)

_DEQUEUE = (
    EVEN_WHEN_FULL
    + _QUEUE
    + """
if redis.call('EXISTS', claims) == 1 then
  restore(now())
  local place = returned()
  if place then
    local text = redis.call('HGET', items, place)
    remove(place)
    return text
  end
end
return redis.call('LPOP', fresh)
"""
)

_DEPTH = (
    _QUEUE
    + """
return depth()
"""
)

# ARGV: the token's secret part, the lease in microseconds. What is claimed is there already, and will be acknowledged.
_CLAIM = (
    EVEN_WHEN_FULL
    + _QUEUE
    + """
local time = now()
restore(time)
local place = returned()
local text
if place then
  text = redis.call('HGET', items, place)
else
  local at = redis.call('PEXPIRETIME', fresh)
  text = redis.call('LPOP', fresh)
  if not text then
    return false
  end
  place = string.format('%.0f', redis.call('HINCRBY', items, 'last', 1))
  redis.call('ZADD', claims, place, place)
  if at > 0 then
    redis.call('PEXPIREAT', claims, string.format('%.0f', at))
    redis.call('PEXPIREAT', items, string.format('%.0f', at))
  end
  redis.call('HSET', items, place, text)
end
local token = place .. '-' .. ARGV[1]
redis.call('ZADD', claims, string.format('%.0f', time + ARGV[2]), place)
redis.call('HSET', items, place .. 't', token)
return {text, token, redis.call('HINCRBY', items, place .. 'a', 1)}
"""
)

# ARGV: the token, the place that it names, "ack" or "nack".
_END_CLAIM = (
    EVEN_WHEN_FULL
    + _QUEUE
    + """
local place = ARGV[2]
if redis.call('HGET', items, place .. 't') ~= ARGV[1] then
  return 0
end
local ends = redis.call('ZSCORE', claims, place)
if not ends or tonumber(ends) <= now() then
  return 0
end
if ARGV[3] == 'ack' then
  remove(place)
else
  redis.call('ZADD', claims, place, place)
end
return 1
"""
)


class RedisQueue(RedisFacet, QueueFacet):
    """Each method is one script."""

    def _enqueue(self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None) -> int:
        most = "" if max_size is None else count(max_size)
        return int(self._run(address, _ENQUEUE, text, most, on_full, "" if ttl_us is None else ttl_us))

    def _dequeue(self, address: Address) -> str | None:
        return optional_text(self._run(address, _DEQUEUE))

    def _depth(self, address: Address) -> int:
        return int(self._run(address, _DEPTH))

    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        claimed = self._run(address, _CLAIM, new_token(), lease_us)
        return None if claimed is None else (text_of(claimed[0]), text_of(claimed[1]), int(claimed[2]))

    def _ack(self, address: Address, token: str) -> bool:
        return self._end_claim(address, token, "ack")

    def _nack(self, address: Address, token: str) -> bool:
        return self._end_claim(address, token, "nack")

    def _end_claim(self, address: Address, token: str, how: str) -> bool:
        return bool(self._run(address, _END_CLAIM, token, token.partition("-")[0], how))

    def _run(self, address: Address, lua: str, *arguments: str | int) -> Any:
        key = self._key(address)
        return self._link.run(lua, [key, f"{key}:claims", f"{key}:items"], *arguments)
