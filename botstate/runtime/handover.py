"""Threads that wait in one task behind a slow one are given to others."""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator

from botstate.runtime.doorbell import doorbell

logger = logging.getLogger("botstate.runtime")

#: How long a thread may wait behind the others of its task.
PATIENCE_S = 0.25


class Batch:
    """The threads of one task, one after another. Those that have to wait for too long are rung for again.

    They stay in line here too: whoever comes first runs them, and the other finds nothing due.
    """

    def __init__(self, thread_ids: Iterable[int]) -> None:
        self._waiting = deque(thread_ids)
        self._timer: threading.Timer | None = None

    def __enter__(self) -> "Batch":
        if len(self._waiting) > 1:
            self._timer = threading.Timer(PATIENCE_S, self._ring_for_the_rest)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def __iter__(self) -> Iterator[int]:
        while self._waiting:
            yield self._waiting.popleft()

    @property
    def waiting(self) -> list[int]:
        """The threads that have not been begun."""
        return list(self._waiting)

    def _ring_for_the_rest(self) -> None:
        for thread_id in self.waiting:
            doorbell.ring(thread_id)
