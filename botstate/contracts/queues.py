"""The queue facet: a bounded FIFO per key, with leased claims."""

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, get_args

from botstate.contracts.addresses import Address
from botstate.contracts.facet import Facet, blocking, optional_bound, value_of
from botstate.durations import optional_microseconds, to_microseconds
from botstate.exceptions import shown
from botstate.types import Duration, Json

OnFull = Literal["drop-oldest", "drop-newest"]

#: What `new_token` returns; before it, where that spares the backend a search, the item's place in the queue.
_CLAIM_TOKEN = re.compile(r"(?:(?:0|[1-9][0-9]{0,17})-)?[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Claim:
    """An item taken under a lease. `attempt` is 1 for the first claim of the item."""

    value: Json
    token: str
    attempt: int


class QueueFacet(Facet):
    """A first-in first-out queue of JSON values per key; it expires as a whole. Atomic across processes.

    The depth counts waiting and claimed items. A claim that lapses, or is given back, returns its item to its place.
    key: 1 to 1,024 characters. Raises ValueError for a bad key, bound or duration, NotSerializable for a bad value,
    StoreUnavailable, ValueUnreadable. On the ORM store enqueue, dequeue and depth join the caller's transaction; claim,
    ack and nack inside one raise StoreError.
    Source: CopilotKit's StateStore contract, `queue`; claims are botstate's.
    """

    name = "queue"

    @blocking
    def enqueue(
        self,
        key: str,
        value: Json,
        max_size: int | None = None,
        on_full: OnFull = "drop-oldest",
        ttl: Duration | None = None,
    ) -> int:
        """Add `value` at the end and return the depth, which is then at most `max_size` (at least 1).

        on_full: "drop-oldest" drops the oldest waiting items, "drop-newest" the newest, the new one among them.
        Claimed items are never dropped; where they alone fill the queue, the new item is dropped.
        ttl: sets the expiry of the whole queue; None keeps the one it has.
        """
        most = optional_bound(max_size, "max_size", 1)
        if on_full not in get_args(OnFull):
            raise ValueError(f"on_full must be 'drop-oldest' or 'drop-newest', not {shown(on_full)}")
        return self._enqueue(self._address(key), self._dumps(value), most, on_full, optional_microseconds(ttl, "ttl"))

    @blocking
    def dequeue(self, key: str, default: Json = None) -> Json:
        """Remove and return the oldest waiting item, else `default`. Skips claimed items."""
        text = self._dequeue(self._address(key))
        return default if text is None else value_of(key, text)

    @blocking
    def depth(self, key: str) -> int:
        """Return how many items wait or are claimed."""
        return self._depth(self._address(key))

    @blocking
    def claim(self, key: str, lease: Duration) -> Claim | None:
        """Take the oldest waiting item for `lease`, or return None when none waits. `ack` removes it."""
        claimed = self._claim(self._address(key), to_microseconds(lease, "lease"))
        if claimed is None:
            return None
        text, token, attempt = claimed
        return Claim(value_of(key, text), token, attempt)

    @blocking
    def ack(self, key: str, token: str) -> bool:
        """Remove the item that `token` holds; False when its claim has lapsed."""
        address = self._address(key)
        return is_claim_token(token) and self._ack(address, token)

    @blocking
    def nack(self, key: str, token: str) -> bool:
        """Return the item that `token` holds to its place; False when its claim has lapsed."""
        address = self._address(key)
        return is_claim_token(token) and self._nack(address, token)

    async def aenqueue(
        self,
        key: str,
        value: Json,
        max_size: int | None = None,
        on_full: OnFull = "drop-oldest",
        ttl: Duration | None = None,
    ) -> int:
        """Async twin of `enqueue`."""
        return await self._in_thread(self.enqueue, key, value, max_size, on_full, ttl)

    async def adequeue(self, key: str, default: Json = None) -> Json:
        """Async twin of `dequeue`."""
        return await self._in_thread(self.dequeue, key, default)

    async def adepth(self, key: str) -> int:
        """Async twin of `depth`."""
        return await self._in_thread(self.depth, key)

    async def aclaim(self, key: str, lease: Duration) -> Claim | None:
        """Async twin of `claim`."""
        return await self._in_thread(self.claim, key, lease)

    async def aack(self, key: str, token: str) -> bool:
        """Async twin of `ack`."""
        return await self._in_thread(self.ack, key, token)

    async def anack(self, key: str, token: str) -> bool:
        """Async twin of `nack`."""
        return await self._in_thread(self.nack, key, token)

    @abstractmethod
    def _enqueue(
        self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None
    ) -> int: ...

    @abstractmethod
    def _dequeue(self, address: Address) -> str | None: ...

    @abstractmethod
    def _depth(self, address: Address) -> int: ...

    @abstractmethod
    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        """Return (value's text, token, attempt), or None. The token is of the form that `is_claim_token` accepts."""

    @abstractmethod
    def _ack(self, address: Address, token: str) -> bool: ...

    @abstractmethod
    def _nack(self, address: Address, token: str) -> bool: ...


def is_claim_token(token: object) -> bool:
    """True for what a backend can have made; anything else holds nothing, and no backend sees it."""
    return isinstance(token, str) and _CLAIM_TOKEN.fullmatch(token) is not None
