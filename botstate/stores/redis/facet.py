"""What the Redis facets share: a link, and how keys are named."""

from botstate.contracts.addresses import Address, readable
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, Facet
from botstate.stores.redis.link import RedisLink

#: More than any list or queue can hold, and a number that Redis and Lua take.
MAX_COUNT = 2**40


class RedisFacet(Facet):
    """A facet in Redis. Keys are botstate:<namespace>:<facet>:{<digest>}, with what else belongs to a key behind it.

    The braces are Redis Cluster's hash tag: all keys of one address are in one slot. The digest covers namespace,
    facet and key, so it alone keeps keys apart.
    """

    def __init__(self, link: RedisLink, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(namespace, max_value_bytes)
        self._link = link
        self._prefix = f"{key_prefix(namespace)}{self.name}:{{"

    def _key(self, address: Address) -> str:
        return f"{self._prefix}{address.digest}}}"


def key_prefix(namespace: str) -> str:
    """Return what the keys of a namespace begin with."""
    # A brace would begin the hash tag too early.
    escaped = readable(namespace)[:255].replace("{", r"\x7b").replace("}", r"\x7d")
    return f"botstate:{escaped}:"


def milliseconds(ttl_us: int) -> int:
    """Return what to give to PX and PEXPIRE, so that a key is gone once its ttl has passed.

    Redis counts from the begun millisecond and drops a key in the one after its last: one less than the ttl ends
    within the millisecond before it. The least is 1.
    """
    return max(1, (ttl_us - 1) // 1_000)


def count(value: int) -> int:
    """Return `value`, cut to what a server takes."""
    return min(value, MAX_COUNT)
