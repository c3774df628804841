"""The five facets and keyed entries in this process's memory."""

from collections.abc import Callable
from typing import ClassVar

from botstate.contracts.addresses import check_namespace
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, check_bound
from botstate.contracts.stores import DEFAULT_SWEEP_LIMIT, StateStore
from botstate.exceptions import shown
from botstate.stores.memory.dedup import MemoryDedup
from botstate.stores.memory.keyed import MemoryKeyed
from botstate.stores.memory.kv import MemoryKv
from botstate.stores.memory.lists import MemoryList
from botstate.stores.memory.locks import MemoryLock
from botstate.stores.memory.queues import MemoryQueue
from botstate.stores.memory.room import Room, host_now_us

DEFAULT_MAX_ENTRIES = 100_000


class MemoryStore(StateStore):
    """kv, list, lock, dedup, queue and keyed entries in this process; every method is atomic across its threads.

    Other processes see nothing of it, and it ends with the process. Clock: the host's.
    namespace: at most 255 characters. max_value_bytes: how long one value may be, as JSON in UTF-8; 1 MiB by default.
    max_entries: how many values, list and queue items, dedup keys, keyed entries and held locks there may be in all.
    Whatever expires makes room by itself. When it is full of what lives, a new entry takes the place of the one that
    was written longest ago: a kv value, the oldest item of a list, a waiting item of a queue, a dedup key that is done
    or a keyed entry, retained ones too; never of a held lock or of what is under a live claim. Full of those alone, it
    raises StoreError and writes nothing.
    clock: returns the microseconds since 1970; for tests.
    """

    drops_expired: ClassVar[bool] = True

    def __init__(
        self,
        namespace: str = "",
        max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES,
        max_entries: int = DEFAULT_MAX_ENTRIES,
        clock: Callable[[], int] = host_now_us,
    ) -> None:
        check_namespace(namespace)
        max_value_bytes = check_bound(max_value_bytes, "max_value_bytes", 1)
        if not callable(clock):
            raise ValueError(f"clock must be a function that returns microseconds, not {shown(clock)}")
        self._room = Room(check_bound(max_entries, "max_entries", 1), clock)
        super().__init__(
            kv=MemoryKv(self._room, namespace, max_value_bytes),
            lists=MemoryList(self._room, namespace, max_value_bytes),
            lock=MemoryLock(self._room, namespace, max_value_bytes),
            dedup=MemoryDedup(self._room, namespace, max_value_bytes),
            queue=MemoryQueue(self._room, namespace, max_value_bytes),
            keyed=MemoryKeyed(self._room, namespace, max_value_bytes),
        )

    async def asweep(self, limit: int = DEFAULT_SWEEP_LIMIT) -> dict[str, int]:
        """Async twin of `sweep`."""
        return self._sweep(check_bound(limit, "limit", 1))

    async def aexamine(self) -> list[str]:
        """Async twin of `examine`."""
        return self._examine()

    async def aclose(self) -> None:
        """Async twin of `close`."""
        self._close()

    def _sweep(self, limit: int) -> dict[str, int]:
        # Whoever enters the room drops what expired, so there is nothing left to count.
        with self._room:
            return dict.fromkeys(("kv", "list", "lock", "dedup", "queue", "keyed"), 0)

    def _close(self) -> None:
        """Keeps everything: nothing is held open."""
