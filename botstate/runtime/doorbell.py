"""Ringing for threads that have something to run: a hint to the workers, never the truth.

Ringing costs the caller nothing: a thread of the process publishes, gathering what comes within 20 ms into one task.
A broker that refuses or hangs delays nobody, and loses nothing that `redeliver` does not ring for again.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence

from celery import current_app

logger = logging.getLogger("botstate.runtime")

TASK = "botstate.run_turns"
GATHER_S = 0.02
MAX_WAITING = 10_000
#: Few, because a task runs them one after another, and a slow handler holds up those behind it.
THREADS_PER_TASK = 10
#: A publisher that has been stuck in one call for so long is left behind, and another one started.
STUCK_AFTER_S = 10.0
MAX_STUCK = 3


def publish(thread_ids: Sequence[int]) -> None:
    """Hand the threads to the workers, now. Raises what the broker's client raises."""
    for first in range(0, len(thread_ids), THREADS_PER_TASK):
        chunk = list(thread_ids[first : first + THREADS_PER_TASK])
        current_app.send_task(TASK, args=[chunk], ignore_result=True, retry=False)


class Doorbell:
    """Rings from a background thread, which starts with the first ring and lives as long as the process."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._rung = threading.Condition()
        self._waiting: dict[int, None] = {}
        self._publisher: _Publisher | None = None
        self._stuck = 0

    def ring(self, thread_id: int) -> None:
        """Ring for a thread soon. Returns at once; what does not fit is dropped, and `redeliver` rings for it."""
        with self._rung:
            if len(self._waiting) < MAX_WAITING:
                self._waiting[thread_id] = None
            try:
                self._ensure_publisher()
            except RuntimeError as error:
                # The process has no thread left to give; the next ring tries again.
                logger.warning("no thread to ring from: %s", error)
            self._rung.notify()

    def _ensure_publisher(self) -> None:
        publisher = self._publisher
        if publisher is not None and publisher.is_stuck() and self._stuck < MAX_STUCK:
            logger.warning("a publisher is stuck in the broker's client; starting another")
            self._stuck += 1
            publisher.is_abandoned = True
            publisher = None
        if publisher is None:
            publisher = _Publisher(self)
            publisher.start()
            self._publisher = publisher

    def take_waiting(self, publisher: "_Publisher") -> list[int]:
        """Wait for something to ring for and take it all; nothing for a publisher that was left behind."""
        with self._rung:
            while not self._waiting and not publisher.is_abandoned:
                self._rung.wait()
        time.sleep(GATHER_S)
        with self._rung:
            if publisher.is_abandoned:
                self._stuck -= 1
                return []
            taken = list(self._waiting)
            self._waiting.clear()
            return taken


class _Publisher(threading.Thread):
    def __init__(self, doorbell: Doorbell) -> None:
        super().__init__(name="botstate-doorbell", daemon=True)
        self.is_abandoned = False
        self._doorbell = doorbell
        self._publishing_since: float | None = None

    def is_stuck(self) -> bool:
        since = self._publishing_since
        return since is not None and time.monotonic() - since > STUCK_AFTER_S

    def run(self) -> None:
        while taken := self._doorbell.take_waiting(self):
            self._publishing_since = time.monotonic()
            try:
                publish(taken)
            except Exception as error:
                # Whatever the broker's client raises, the next ring must find a publisher.
                logger.warning("could not ring for %s threads: %s", len(taken), type(error).__name__)
            finally:
                self._publishing_since = None


doorbell = Doorbell()
