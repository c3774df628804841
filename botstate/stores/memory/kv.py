"""kv in memory."""

from botstate.contracts.addresses import Address
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.contracts.kv import KvFacet
from botstate.stores.memory.facet import MemoryFacet
from botstate.stores.memory.room import Keyed, Room


class Value(Keyed):
    """One value's text."""

    __slots__ = ("text",)

    def __init__(self, rows: "dict[str, Value]", digest: str) -> None:
        super().__init__(rows, digest)
        self.text = ""


class MemoryKv(MemoryFacet, KvFacet):
    """Values by digest."""

    def __init__(self, room: Room, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        super().__init__(room, namespace, max_value_bytes)
        self._rows: dict[str, Value] = {}

    def _get(self, address: Address) -> str | None:
        with self._room:
            value = self._rows.get(address.digest)
            return None if value is None else value.text

    def _set(self, address: Address, text: str, ttl_us: int | None) -> None:
        with self._room as now_us:
            value = self._rows.get(address.digest)
            if value is None:
                self._room.reserve()
                value = self._rows[address.digest] = Value(self._rows, address.digest)
                self._room.add(value)
            else:
                self._room.renew(value)
            value.text = text
            self._room.set_alarm(value, None if ttl_us is None else now_us + ttl_us)

    def _delete(self, address: Address) -> bool:
        return self._consume(address) is not None

    def _consume(self, address: Address) -> str | None:
        with self._room:
            value = self._rows.pop(address.digest, None)
            if value is None:
                return None
            self._room.remove(value)
            return value.text
