"""Lists in Redis: one Redis list per key, which Redis expires as a whole."""

from botstate.contracts.addresses import Address
from botstate.contracts.lists import ListFacet
from botstate.stores.redis.facet import RedisFacet, count, milliseconds

# KEYS: the list. ARGV: the text, the most items or "", the ttl in milliseconds or "".
_APPEND = """
local length = redis.call('RPUSH', KEYS[1], ARGV[1])
if ARGV[2] ~= '' and length > tonumber(ARGV[2]) then
  redis.call('LTRIM', KEYS[1], '-' .. ARGV[2], -1)
  length = tonumber(ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return length
"""


class RedisList(RedisFacet, ListFacet):
    """Redis lists. One that is emptied or expires is no key any more, so it passes nothing on."""

    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int:
        most = "" if max_len is None else count(max_len)
        ttl = "" if ttl_us is None else milliseconds(ttl_us)
        return int(self._link.run(_APPEND, [self._key(address)], text, most, ttl))

    def _range(self, address: Address, start: int, stop: int | None) -> list[str] | list[bytes]:
        key = self._key(address)
        first, last = count(start), -1 if stop is None else count(stop)
        texts: list[str] | list[bytes] = self._link.call(lambda client: client.lrange(key, first, last))
        return texts

    def _trim(self, address: Address, max_len: int) -> None:
        key = self._key(address)
        if max_len == 0:
            self._link.call(lambda client: client.unlink(key))
        else:
            self._link.call(lambda client: client.ltrim(key, -count(max_len), -1))

    def _delete(self, address: Address) -> bool:
        key = self._key(address)
        return self._link.call(lambda client: bool(client.unlink(key)))
