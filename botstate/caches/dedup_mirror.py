"""The store's side of a claimable dedup."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from botstate.caches.endings import Ending, Endings
from botstate.caches.guard import StoreGuard
from botstate.caches.replay import Replay
from botstate.contracts.dedup import DedupFacet


class DedupMirror:
    """Asks a store's dedup, and tells it how claims ended that it has yet to hear of. See `StoreGuard`.

    dedup: returns the store's facet. store_key: what a key is called there. untold: what it has yet to hear.
    """

    def __init__(
        self,
        name: str,
        dedup: Callable[[], DedupFacet],
        store_key: Callable[[str], str],
        untold: Endings,
        timeout_s: float,
    ) -> None:
        self._replay = Replay(untold.oldest, self._tell)
        self.guard = StoreGuard(name, timeout_s, write=self._tell_one, waiting=lambda: len(untold))
        self._dedup = dedup
        self._store_key = store_key
        self._untold = untold

    def submit(self, operation: str, key: str, call: Callable[[DedupFacet, str], Any]) -> "Future[Any]":
        """Call `call(the store's dedup, the key there)`. Raises StoreFailedError."""
        return self.guard.submit(operation, lambda: call(self._dedup(), self._store_key(key)))

    def tell_of(self, key: str) -> None:
        """Tell what waits of one key; on the thread of the calls."""
        ending = self._untold.get(key)
        if ending is not None:
            self._tell(key, ending)

    def reset(self) -> None:
        """Begin anew, as a forked child must."""
        self.guard.reset()
        self._replay.reset()

    def _tell_one(self) -> None:
        self._replay.write_one(self.guard)

    def _tell(self, key: str, ending: Ending) -> None:
        self._end(self._store_key(key), ending)
        self._untold.drop(key, ending)

    def _end(self, store_key: str, ending: Ending) -> None:
        dedup = self._dedup()
        for token, commits in ending.claims:
            left_s = ending.seconds_left()
            if left_s <= 0:
                return
            if not (commits or ending.is_done):
                dedup.release(store_key, token)
            elif dedup.commit(store_key, token, left_s):
                return
        left_s = ending.seconds_left()
        if ending.is_done and left_s > 0:
            dedup.seen(store_key, left_s)
