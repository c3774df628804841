"""Locks in memory."""

from botstate.contracts.addresses import Address
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.contracts.locks import LockFacet
from botstate.stores.memory.facet import MemoryFacet
from botstate.stores.memory.room import Keyed, Room


class Lease(Keyed):
    """A held lock."""

    __slots__ = ("token",)

    def __init__(self, rows: "dict[str, Lease]", digest: str, token: str) -> None:
        super().__init__(rows, digest)
        self.token = token


class MemoryLock(MemoryFacet, LockFacet):
    """Leases by digest. Nothing is kept of a free lock: fences grow over all keys together."""

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(room, namespace, max_value_bytes)
        self._rows: dict[str, Lease] = {}

    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        with self._room as now_us:
            if address.digest in self._rows:
                return None
            self._room.reserve()
            lease = self._rows[address.digest] = Lease(self._rows, address.digest, token)
            self._room.add(lease, held=True)
            self._room.set_alarm(lease, now_us + ttl_us)
            return self._room.next_fence(now_us), now_us + ttl_us

    def _release(self, address: Address, token: str) -> bool:
        return self._end(address, token)

    def _extend(self, address: Address, token: str, ttl_us: int) -> bool:
        with self._room as now_us:
            lease = self._rows.get(address.digest)
            if lease is None or lease.token != token:
                return False
            self._room.set_alarm(lease, now_us + ttl_us)
            return True

    def _force_release(self, address: Address) -> bool:
        return self._end(address, None)

    def _end(self, address: Address, token: str | None) -> bool:
        """Free the lock if `token` holds it, or whoever does where that is None."""
        with self._room:
            lease = self._rows.get(address.digest)
            if lease is None or token not in (None, lease.token):
                return False
            lease.expire(self._room)
            return True
