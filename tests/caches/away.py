"""A store whose dedup can be away: it refuses, or hangs, or does what it is asked and loses the answer."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupFacet, DedupStatus
from botstate.contracts.stores import StateStore
from botstate.exceptions import StoreUnavailable


class FickleDedup(DedupFacet):
    """Another dedup, which answers as `mode` says: "well", "down", "lost" (done, and the answer lost) or "hangs".

    meanwhile: called within each call.
    """

    def __init__(self, inner: DedupFacet) -> None:
        super().__init__()
        self.inner = inner
        self.mode = "well"
        self.calls: Counter[str] = Counter()
        self.goes_on = threading.Event()
        self.meanwhile: Callable[[], object] = lambda: None

    def _ask(self, method: str, *arguments: Any) -> Any:
        self.calls[method] += 1
        self.meanwhile()
        if self.mode == "down":
            raise StoreUnavailable("it is down")
        if self.mode == "hangs":
            self.goes_on.wait(30)
        result = getattr(self.inner, method)(*arguments)
        if self.mode == "lost":
            raise StoreUnavailable("the answer was lost")
        return result

    def _seen(self, address: Address, ttl_us: int) -> bool:
        return bool(self._ask("_seen", address, ttl_us))

    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return bool(self._ask("_claim", address, token, lease_us))

    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._ask("_commit", address, token, ttl_us))

    def _release(self, address: Address, token: str) -> bool:
        return bool(self._ask("_release", address, token))

    def _check(self, address: Address) -> DedupStatus:
        status: DedupStatus = self._ask("_check", address)
        return status


class FickleStore(StateStore):
    """A store with a fickle dedup."""

    def __init__(self, inner: StateStore) -> None:
        self.fickle = FickleDedup(inner.dedup)
        super().__init__(kv=inner.kv, lists=inner.list, lock=inner.lock, dedup=self.fickle, queue=inner.queue)

    def _sweep(self, limit: int) -> dict[str, int]:
        return {}

    def _close(self) -> None:
        """Holds nothing open."""
