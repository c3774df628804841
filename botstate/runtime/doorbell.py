"""Ringing for threads that have something to run: a hint to the workers, never the truth.

Ringing costs the caller nothing: a thread of the process publishes, at most every 20 ms, gathering what came meanwhile;
under load every 50 ms, because each publication takes Python's lock away from whoever answers events.
A broker that refuses or hangs delays nobody, and loses nothing that `redeliver` does not ring for again.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from math import ceil

from celery import current_app

logger = logging.getLogger("botstate.runtime")

TASK = "botstate.run_turns"
#: Between two publications; and before the first, for the response that is just being written.
GATHER_S = 0.02
FIRST_GATHER_S = 0.002
#: After a publication of so many threads or more: workers that are given so many have no need of the next ones at once.
BUSY_THREADS = 5
BUSY_GATHER_S = 0.05
MAX_WAITING = 10_000
#: Few, because a task runs them one after another, and a slow handler holds up those behind it.
THREADS_PER_TASK = 10
#: A publisher that has been stuck in one call for so long is left behind, and another one started.
STUCK_AFTER_S = 10.0
MAX_STUCK = 3


def publish(thread_ids: Sequence[int], delay_s: float = 0.0) -> None:
    """Hand the threads to the workers, now or after a delay. Raises what the broker's client raises."""
    later = {"countdown": delay_s} if delay_s > 0 else {}
    if not thread_ids:
        return
    with current_app.producer_or_acquire() as producer:
        for first in range(0, len(thread_ids), THREADS_PER_TASK):
            arguments = [list(thread_ids[first : first + THREADS_PER_TASK])]
            # Said in words here, because Celery's own way to say it takes a tenth of the time of a publication.
            words = {"argsrepr": repr(arguments), "kwargsrepr": "{}"}
            current_app.send_task(TASK, arguments, ignore_result=True, retry=False, producer=producer, **words, **later)


class Doorbell:
    """Rings from a background thread, which starts with the first ring and lives as long as the process."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._rung = threading.Condition()
        self._waiting: dict[float, dict[int, None]] = {}
        self._publisher: _Publisher | None = None
        self._stuck = 0

    def ring(self, thread_id: int, delay_s: float = 0.0) -> None:
        """Ring for a thread soon, or once a delay is over, rounded up to tenths of a second.

        Returns at once; what does not fit is dropped, and `redeliver` rings for it.
        """
        with self._rung:
            if sum(map(len, self._waiting.values())) < MAX_WAITING:
                self._waiting.setdefault(ceil(delay_s * 10) / 10, {})[thread_id] = None
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
        if publisher is None or not publisher.is_alive():
            publisher = _Publisher(self)
            publisher.start()
            self._publisher = publisher

    def take_waiting(self, publisher: "_Publisher") -> dict[float, list[int]]:
        """Wait for something to ring for and take it all, by delay; nothing for a publisher that was left behind."""
        with self._rung:
            while not self._waiting and not publisher.is_abandoned:
                self._rung.wait()
        time.sleep(max(FIRST_GATHER_S, publisher.gathers_until - time.monotonic()))
        with self._rung:
            if publisher.is_abandoned:
                self._stuck -= 1
                return {}
            taken = {delay_s: list(thread_ids) for delay_s, thread_ids in self._waiting.items()}
            self._waiting.clear()
            return taken


class _Publisher(threading.Thread):
    def __init__(self, doorbell: Doorbell) -> None:
        super().__init__(name="botstate-doorbell", daemon=True)
        self.is_abandoned = False
        self._doorbell = doorbell
        self._publishing_since: float | None = None
        self.gathers_until = 0.0

    def is_stuck(self) -> bool:
        since = self._publishing_since
        return since is not None and time.monotonic() - since > STUCK_AFTER_S

    def run(self) -> None:
        while taken := self._doorbell.take_waiting(self):
            self._publishing_since = time.monotonic()
            is_busy = sum(map(len, taken.values())) >= BUSY_THREADS
            self.gathers_until = self._publishing_since + (BUSY_GATHER_S if is_busy else GATHER_S)
            for delay_s, thread_ids in taken.items():
                self._publish(thread_ids, delay_s)
            self._publishing_since = None

    def _publish(self, thread_ids: list[int], delay_s: float) -> None:
        try:
            publish(thread_ids, delay_s)
        except Exception as error:
            # Whatever the broker's client raises, the next ring must find a publisher.
            logger.warning("could not ring for %s threads: %s", len(thread_ids), type(error).__name__)


doorbell = Doorbell()
