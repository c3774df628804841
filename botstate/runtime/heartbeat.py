"""Renewing leases while handlers run: one thread and one connection per process."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

from botstate.runtime.lease import Lease, renew

logger = logging.getLogger("botstate.runtime")

#: A lease is renewed this many times within its time-to-live, so that one failure loses nothing.
RENEWALS_PER_TTL = 3


@dataclass
class Pulse:
    """One lease that is being kept alive. `is_lost` is set once it cannot be any more."""

    using: str
    lease: Lease
    is_lost: threading.Event = field(default_factory=threading.Event)
    renewed_at: float = 0.0
    due_at: float = 0.0

    def __post_init__(self) -> None:
        self.mark_renewed(time.monotonic())

    @property
    def ttl_s(self) -> float:
        """The lease's time-to-live in seconds."""
        return self.lease.ttl_us / 1_000_000

    def mark_renewed(self, at: float) -> None:
        """Note a renewal that was begun `at` this monotonic time."""
        self.renewed_at = at
        self.due_at = at + self.ttl_s / RENEWALS_PER_TTL

    def mark_failed(self, at: float) -> None:
        """Note a failed renewal: try again soon, until the lease must have ended."""
        self.due_at = at + min(1.0, self.ttl_s / 10)
        if at >= self.renewed_at + self.ttl_s:
            self.is_lost.set()


class Heartbeat:
    """Keeps the leases of this process alive, on the monotonic clock.

    Its thread starts with the first lease and ends, closing its connection, when there is none left. A forked child
    starts with none of its parent's leases.
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._pulses: list[Pulse] = []
        self._thread: threading.Thread | None = None

    @contextmanager
    def keeping(self, using: str, lease: Lease) -> Iterator[Pulse]:
        """Renew `lease` for the length of a with block."""
        pulse = Pulse(using, lease)
        with self._changed:
            self._pulses.append(pulse)
        try:
            self._ensure_thread()
            yield pulse
        finally:
            with self._changed:
                self._pulses.remove(pulse)
                self._changed.notify()

    def _ensure_thread(self) -> None:
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._beat, name="botstate-heartbeat", daemon=True)
                thread.start()
                self._thread = thread
            self._changed.notify()

    def _beat(self) -> None:
        try:
            while pulse := self._next():
                self._renew(pulse)
        finally:
            connections.close_all()

    def _next(self) -> Pulse | None:
        """Wait until a pulse is due and return it, or return None when none is left."""
        with self._changed:
            while self._pulses:
                alive = [pulse for pulse in self._pulses if not pulse.is_lost.is_set()]
                first = min(alive, key=lambda pulse: pulse.due_at, default=None)
                if first is not None and first.due_at <= time.monotonic():
                    return first
                self._changed.wait(None if first is None else first.due_at - time.monotonic())
            self._thread = None
            return None

    def _renew(self, pulse: Pulse) -> None:
        begun_at = time.monotonic()
        try:
            is_held = renew(pulse.using, pulse.lease)
        except Exception as error:
            # Whatever it was, the other leases of this process must go on being renewed.
            logger.warning("lease of thread %s not renewed: %s", pulse.lease.thread_id, type(error).__name__)
            pulse.mark_failed(time.monotonic())
            return
        if is_held:
            pulse.mark_renewed(begun_at)
        else:
            pulse.is_lost.set()


heartbeat = Heartbeat()
