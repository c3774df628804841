"""A store: the five facets on one backend, and keyed entries."""

from abc import ABC, abstractmethod
from typing import ClassVar

from asgiref.sync import sync_to_async

from botstate.contracts.dedup import DedupFacet
from botstate.contracts.facet import blocking, check_bound
from botstate.contracts.keyed import KeyedFacet
from botstate.contracts.kv import KvFacet
from botstate.contracts.lists import ListFacet
from botstate.contracts.locks import LockFacet
from botstate.contracts.queues import QueueFacet

DEFAULT_SWEEP_LIMIT = 1_000


class StateStore(ABC):
    """kv, list, lock, dedup and queue on one backend; the facets' key spaces are apart.

    keyed: what `botstate.keyed.open_keyed_store` works on; None for a store that has none.
    drops_expired: True for a store where what has expired goes by itself, so that `sweep` counts nothing.
    Source: CopilotKit's StateStore contract.
    """

    drops_expired: ClassVar[bool] = False

    def __init__(
        self,
        *,
        kv: KvFacet,
        lists: ListFacet,
        lock: LockFacet,
        dedup: DedupFacet,
        queue: QueueFacet,
        keyed: KeyedFacet | None = None,
    ) -> None:
        self.kv = kv
        self.list = lists
        self.lock = lock
        self.dedup = dedup
        self.queue = queue
        self.keyed = keyed

    @blocking
    def sweep(self, limit: int = DEFAULT_SWEEP_LIMIT) -> dict[str, int]:
        """Delete expired rows, at most `limit` per facet, and return how many went, by facet and for "keyed".

        Rows that keep count of others, as those of lists and of keyed collections do, go and are counted once empty.
        Works in small batches and skips what is locked. Nothing that has expired is ever returned, swept or not.
        """
        return self._sweep(check_bound(limit, "limit", 1))

    async def asweep(self, limit: int = DEFAULT_SWEEP_LIMIT) -> dict[str, int]:
        """Async twin of `sweep`."""
        return await sync_to_async(self.sweep, thread_sensitive=True)(limit)

    @blocking
    def examine(self) -> list[str]:
        """Ask the live server what is wrong with it; return that in words, a line each. For `botstate_doctor`."""
        return self._examine()

    async def aexamine(self) -> list[str]:
        """Async twin of `examine`."""
        return await sync_to_async(self.examine, thread_sensitive=True)()

    @blocking
    def close(self) -> None:
        """Give back what the store holds open; it opens again by itself."""
        self._close()

    async def aclose(self) -> None:
        """Async twin of `close`."""
        await sync_to_async(self.close, thread_sensitive=True)()

    @abstractmethod
    def _sweep(self, limit: int) -> dict[str, int]: ...

    @abstractmethod
    def _close(self) -> None: ...

    def _examine(self) -> list[str]:
        return []
