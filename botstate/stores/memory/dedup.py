"""Dedup in memory."""

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupFacet, DedupStatus
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.stores.memory.facet import MemoryFacet
from botstate.stores.memory.room import Keyed, Room


class Mark(Keyed):
    """A key that is done, or claimed by `token`."""

    __slots__ = ("token",)

    def __init__(self, rows: "dict[str, Mark]", digest: str, token: str | None) -> None:
        super().__init__(rows, digest)
        self.token = token


class MemoryDedup(MemoryFacet, DedupFacet):
    """Marks by digest; a new key has none."""

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(room, namespace, max_value_bytes)
        self._rows: dict[str, Mark] = {}

    def _seen(self, address: Address, ttl_us: int) -> bool:
        return not self._record(address, None, ttl_us)

    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return self._record(address, token, lease_us)

    def _record(self, address: Address, token: str | None, ttl_us: int) -> bool:
        """Mark the key if it is new; True if it was."""
        with self._room as now_us:
            if address.digest in self._rows:
                return False
            self._room.reserve()
            mark = self._rows[address.digest] = Mark(self._rows, address.digest, token)
            self._room.add(mark, held=token is not None)
            self._room.set_alarm(mark, now_us + ttl_us)
            return True

    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        with self._room as now_us:
            mark = self._rows.get(address.digest)
            if mark is None or mark.token != token:
                return False
            mark.token = None
            self._room.let_go(mark)
            self._room.set_alarm(mark, now_us + ttl_us)
            return True

    def _release(self, address: Address, token: str) -> bool:
        with self._room:
            mark = self._rows.get(address.digest)
            if mark is None or mark.token != token:
                return False
            mark.expire(self._room)
            return True

    def _check(self, address: Address) -> DedupStatus:
        with self._room:
            mark = self._rows.get(address.digest)
            if mark is None:
                return "new"
            return "done" if mark.token is None else "claimed"
