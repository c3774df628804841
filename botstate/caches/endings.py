"""How claims ended that a store has yet to hear of."""

import time
from collections import OrderedDict
from collections.abc import Collection
from threading import Lock
from typing import NamedTuple

#: How many claims of one key are remembered that the store may have granted while its answers got lost.
MAX_CLAIMS = 8


class Ending(NamedTuple):
    """What the store has yet to hear of a key, until `ends_at` by the monotonic clock.

    claims: the tokens of those that it may hold, and whether each is to be committed, or released.
    is_done: whether the key is done, so that it is to be so even if none of them is alive there.
    """

    claims: tuple[tuple[str, bool], ...]
    is_done: bool
    ends_at: float

    def seconds_left(self) -> float:
        """Return for how long it is of interest; 0 or less once it is not."""
        return self.ends_at - time.monotonic()


class Endings:
    """Endings by key, in the order in which they were added; at most `max_keys`, and beyond that the oldest is lost."""

    def __init__(self, max_keys: int) -> None:
        self._max_keys = max_keys
        self.reset()

    def __len__(self) -> int:
        return len(self._endings)

    def add(self, key: str, token: str, *, commits: bool, is_done: bool, lasts_s: float) -> None:
        """Add the end of a claim to what the store has yet to hear of earlier ones of the key.

        lasts_s: for how long it is of interest. A key is done once, with the time that it had left then.
        """
        ends_at = time.monotonic() + lasts_s
        claims = {token: commits}
        with self._lock:
            before = self._endings.pop(key, None)
            if before is not None and before.seconds_left() > 0:
                claims = dict(before.claims) | claims
                if before.is_done:
                    is_done, ends_at = True, before.ends_at
                elif not is_done:
                    ends_at = max(ends_at, before.ends_at)
            self._endings[key] = Ending(tuple(claims.items())[-MAX_CLAIMS:], is_done, ends_at)
            while len(self._endings) > self._max_keys:
                _, oldest = self._endings.popitem(last=False)
                if oldest.seconds_left() > 0:
                    self.lost += 1

    def get(self, key: str) -> Ending | None:
        """Return what the store has yet to hear of a key."""
        ending = self._endings.get(key)
        return None if ending is None or ending.seconds_left() <= 0 else ending

    def oldest(self, besides: Collection[str]) -> tuple[str, Ending] | None:
        """Return what was added longest ago, of what has none of these keys; it may be of no interest any more."""
        with self._lock:
            return next((each for each in self._endings.items() if each[0] not in besides), None)

    def drop(self, key: str, ending: Ending) -> None:
        """Drop what the store has heard, unless there is more of the key by now."""
        with self._lock:
            if self._endings.get(key) is ending:
                del self._endings[key]

    def reset(self) -> None:
        """Begin anew, as a forked child must: what the parent has yet to tell, the parent will."""
        self._endings: OrderedDict[str, Ending] = OrderedDict()
        self._lock = Lock()
        #: How many the store will never hear of.
        self.lost = 0
