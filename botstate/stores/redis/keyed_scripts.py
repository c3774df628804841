"""The scripts of keyed entries, one for each method."""

# Entries go by their keys as `ordered` writes them. KEYS[1] is a hash: "<created> <text>" by key. KEYS[2] is a sorted
# set of all keys, whose score is their place in the order of writing; one of the keys that will expire, by when, in
# microseconds; and one of all keys with equal scores, which Redis sorts by the keys themselves.
# What is written has at most 10 expired entries dropped with it, so that many that expire at once hold nobody up.
_COLLECTION = """
local rows, order, expiry, names = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local CHUNK = 1000
local function text(number)
  return string.format('%.0f', number)
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function has_expired(at)
  return at and tonumber(at) <= now
end
local function live(key)
  -- The entry's row and when it expires, or nothing.
  local row = redis.call('HGET', rows, key)
  local at = row and redis.call('ZSCORE', expiry, key)
  if row and not has_expired(at) then
    return row, at and text(at) or ''
  end
  return false
end
local function text_in(row)
  return string.sub(row, string.find(row, ' ', 1, true) + 1)
end
local function length()
  return redis.call('ZCARD', order)
end
local function drop(keys)
  for first = 1, #keys, CHUNK do
    local last = math.min(first + CHUNK - 1, #keys)
    redis.call('HDEL', rows, unpack(keys, first, last))
    for _, index in ipairs({order, expiry, names}) do
      redis.call('ZREM', index, unpack(keys, first, last))
    end
  end
end
local function drop_expired(most)
  drop(redis.call('ZRANGEBYSCORE', expiry, '-inf', text(now), 'LIMIT', 0, text(most)))
end
local function excess(most)
  -- How many there are too many of those that live.
  if length() > most then
    drop_expired(length() - most)
  end
  return length() - most
end
local function settle()
  -- Where every entry expires, the keys do so with the last of them, within a second.
  local at, ends = -1, redis.call('ZRANGE', expiry, -1, -1, 'WITHSCORES')
  if ends[2] and redis.call('ZCARD', expiry) == length() then
    at = math.ceil(ends[2] / 1000000) * 1000
  end
  if redis.call('PEXPIRETIME', rows) == at then
    return
  end
  for _, key in ipairs(KEYS) do
    if at < 0 then
      redis.call('PERSIST', key)
    else
      redis.call('PEXPIREAT', key, text(at))
    end
  end
end
"""

# ARGV of all that store: the key, the text, the ttl in microseconds or "", the most entries or "", "1" if what is full
# rejects what is new, else "".
_STORE = (
    _COLLECTION
    + """
local function store()
  local key, most, rejects = ARGV[1], tonumber(ARGV[4]), ARGV[5] == '1'
  if redis.call('HLEN', rows) ~= length() or redis.call('ZCARD', names) ~= length() then
    -- Evicted: what is left of a collection is none.
    redis.call('UNLINK', rows, order, expiry, names)
  end
  drop_expired(10)
  if has_expired(redis.call('ZSCORE', expiry, key)) then
    drop({key})
  end
  if most and rejects and not redis.call('ZSCORE', order, key) and excess(most - 1) > 0 then
    settle()
    return 'full'
  end
  local newest = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')
  redis.call('HSET', rows, key, text(now) .. ' ' .. ARGV[2])
  redis.call('ZADD', order, text((newest[2] or 0) + 1), key)
  redis.call('ZADD', names, 0, key)
  if ARGV[3] == '' then
    redis.call('ZREM', expiry, key)
  else
    redis.call('ZADD', expiry, text(now + ARGV[3]), key)
  end
  if most and not rejects then
    local over = excess(most)
    if over > 0 then
      drop(redis.call('ZRANGE', order, 0, text(over - 1)))
    end
  end
  settle()
  return 'stored'
end
"""
)

REGISTER = (
    _STORE
    + """
return store()
"""
)

REGISTER_IF_ABSENT = (
    _STORE
    + """
if redis.call('HEXISTS', rows, ARGV[1]) == 1 and not has_expired(redis.call('ZSCORE', expiry, ARGV[1])) then
  return 'present'
end
return store()
"""
)

# ARGV: and the text that must be there.
REPLACE = (
    _STORE
    + """
local row = live(ARGV[1])
if not row or text_in(row) ~= ARGV[6] then
  return 'other'
end
return store()
"""
)

# ARGV: the key.
FIND = (
    _COLLECTION
    + """
local row, at = live(ARGV[1])
return row and {row, at, text(now)}
"""
)

# ARGV: the keys.
FIND_MANY = (
    _COLLECTION
    + """
local found = {}
for first = 1, #ARGV, CHUNK do
  local last = math.min(first + CHUNK - 1, #ARGV)
  local some = redis.call('HMGET', rows, unpack(ARGV, first, last))
  local ends = redis.call('ZMSCORE', expiry, unpack(ARGV, first, last))
  for index, row in ipairs(some) do
    found[first + index - 1] = not has_expired(ends[index]) and row
  end
end
return found
"""
)

# ARGV: the key, the text that must be there or "".
TAKE = (
    _COLLECTION
    + """
local row = live(ARGV[1])
if row and ARGV[2] ~= '' and text_in(row) ~= ARGV[2] then
  return false
end
drop({ARGV[1]})
settle()
return row
"""
)

_LISTING = (
    _COLLECTION
    + """
local listed = {}
local function list(keys, most)
  -- Key, row and end of those that live, at most `most` of them in all.
  for first = 1, #keys, CHUNK do
    local last = math.min(first + CHUNK - 1, #keys)
    local some = redis.call('HMGET', rows, unpack(keys, first, last))
    local ends = redis.call('ZMSCORE', expiry, unpack(keys, first, last))
    for index, row in ipairs(some) do
      if #listed >= 3 * most then
        return
      end
      if row and not has_expired(ends[index]) then
        local size = #listed
        listed[size + 1] = keys[first + index - 1]
        listed[size + 2] = row
        listed[size + 3] = ends[index] and text(ends[index]) or ''
      end
    end
  end
end
"""
)

ENTRIES = (
    _LISTING
    + """
list(redis.call('ZRANGE', order, 0, -1), math.huge)
return listed
"""
)

# ARGV: the end of the range where it is read from, the other one, "REV" or "", the most entries.
ENTRIES_IN_RANGE = (
    _LISTING
    + """
local from, to, most = ARGV[1], ARGV[2], tonumber(ARGV[4])
local size = most
while true do
  local keys
  size = math.min(size, CHUNK)
  if ARGV[3] == 'REV' then
    keys = redis.call('ZRANGE', names, from, to, 'BYLEX', 'REV', 'LIMIT', 0, size)
  else
    keys = redis.call('ZRANGE', names, from, to, 'BYLEX', 'LIMIT', 0, size)
  end
  list(keys, most)
  if #keys < size or #listed >= 3 * most then
    return listed
  end
  -- Many in a row may have expired.
  from, size = '(' .. keys[size], 2 * size
end
"""
)

COUNT = (
    _COLLECTION
    + """
return length() - redis.call('ZCOUNT', expiry, '-inf', text(now))
"""
)

CLEAR = (
    _COLLECTION
    + """
local count = length() - redis.call('ZCOUNT', expiry, '-inf', text(now))
redis.call('UNLINK', rows, order, expiry, names)
return count
"""
)
