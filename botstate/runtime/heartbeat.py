"""Renewing leases while handlers run, and ending turns that run for too long.

One thread and one connection per process do it.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

from botstate.exceptions import TurnSuperseded
from botstate.runtime.lease import Lease, renew, taken_away

logger = logging.getLogger("botstate.runtime")

#: A lease is renewed this many times within its time-to-live, so that one failure loses nothing.
RENEWALS_PER_TTL = 3
#: How long the thread stays when it has nothing to do.
LINGER_S = 5.0
#: How often it is looked whether a lease was taken away, as "force" does, so that the handler can be told.
WATCH_EVERY_S = 1.0


@dataclass(eq=False)
class Pulse:
    """One lease that is being kept alive. `is_lost` is set once it cannot be any more.

    renewed_at: the monotonic time before which it was not yet taken, or last renewed; it may live no longer than its
    time-to-live from then.
    """

    using: str
    lease: Lease
    renewed_at: float
    is_lost: threading.Event = field(default_factory=threading.Event)
    due_at: float = 0.0
    #: When the turn that runs has run for too long, and what is done then; None while no turn runs.
    ends_at: float | None = None
    end: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.mark_renewed(self.renewed_at)

    @property
    def ttl_s(self) -> float:
        """The lease's time-to-live in seconds."""
        return self.lease.ttl_us / 1_000_000

    @property
    def is_over(self) -> bool:
        """True once the lease is known to be lost, or must have ended while this process stood still."""
        return self.is_lost.is_set() or time.monotonic() >= self.renewed_at + self.ttl_s

    def require(self) -> None:
        """Raise TurnSuperseded once the lease is over."""
        if self.is_over:
            raise TurnSuperseded(f"the lease {self.lease.fence} on thread {self.lease.thread_id} is over")

    def mark_renewed(self, at: float) -> None:
        """Note a renewal that was begun `at` this monotonic time."""
        self.renewed_at = at
        self.due_at = at + self.ttl_s / RENEWALS_PER_TTL

    def mark_failed(self, at: float) -> None:
        """Note a failed renewal: try again soon, until the lease must have ended."""
        self.due_at = at + min(1.0, self.ttl_s / 10)
        if at >= self.renewed_at + self.ttl_s:
            self.is_lost.set()

    def take_end(self, now: float) -> Callable[[], None] | None:
        """Return, once, what is to be done with the turn that runs, if it has run for too long."""
        if self.ends_at is None or self.ends_at > now:
            return None
        self.ends_at = None
        return self.end

    def next_at(self) -> float:
        """Return the monotonic time at which there is something to do for this lease; infinity if there never is.

        A lost one is not renewed, but the turn that still runs under it is ended in time all the same.
        """
        renewal_at = math.inf if self.is_lost.is_set() else self.due_at
        return renewal_at if self.ends_at is None else min(renewal_at, self.ends_at)


class Heartbeat:
    """Keeps the leases of this process alive, on the monotonic clock.

    Its thread starts with the first lease. When there is none left it closes its connection, and ends a little later. A
    forked child starts with none of its parent's leases.
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._pulses: list[Pulse] = []
        self._thread: threading.Thread | None = None
        self._watch_at = 0.0
        self._wakes_at = 0.0

    @contextmanager
    def keeping(self, using: str, lease: Lease, taken_at: float) -> Iterator[Pulse]:
        """Renew `lease` for the length of a with block.

        taken_at: a monotonic time from before it was taken, so that who stood still since then knows that it is over.
        """
        pulse = Pulse(using, lease, taken_at)
        with self._changed:
            if not self._pulses:
                self._watch_at = time.monotonic() + WATCH_EVERY_S
            self._pulses.append(pulse)
        try:
            with self._changed:
                self._ensure_thread()
                self._wake_for(min(self._watch_at, pulse.next_at()))
            yield pulse
        finally:
            with self._changed:
                self._pulses.remove(pulse)

    @contextmanager
    def limiting(self, pulse: Pulse, seconds: float, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` from the heartbeat's thread if the with block takes longer than that; renewals stop then."""
        with self._changed:
            pulse.ends_at, pulse.end = time.monotonic() + seconds, end
            self._wake_for(pulse.ends_at)
        try:
            yield
        finally:
            with self._changed:
                pulse.ends_at = pulse.end = None

    def _ensure_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._wakes_at = 0.0
            thread = threading.Thread(target=self._beat, name="botstate-heartbeat", daemon=True)
            thread.start()
            self._thread = thread

    def _wake_for(self, at: float) -> None:
        """Let the thread wait no longer than until `at`. It is not woken in vain: most turns take far less."""
        if at < self._wakes_at:
            self._changed.notify()

    def _beat(self) -> None:
        try:
            while self._wait():
                self._look_after()
        finally:
            connections.close_all()

    def _wait(self) -> bool:
        """Wait until there is something to do; False, and the thread ends, when there was no lease for a while."""
        while True:
            with self._changed:
                if not self._pulses:
                    break
                if self._sleep():
                    return True
        connections.close_all()
        with self._changed:
            self._wakes_at = time.monotonic() + LINGER_S
            if not self._pulses:
                self._changed.wait(LINGER_S)
            if not self._pulses:
                self._thread = None
                return False
            return True

    def _sleep(self) -> bool:
        """Wait once, under the condition; True when something is due."""
        now = time.monotonic()
        is_alive = any(not pulse.is_lost.is_set() for pulse in self._pulses)
        next_at = min([self._watch_at if is_alive else math.inf, *(pulse.next_at() for pulse in self._pulses)])
        self._wakes_at = min(next_at, now + LINGER_S)
        if self._wakes_at > now:
            self._changed.wait(self._wakes_at - now)
        return next_at <= time.monotonic()

    def _look_after(self) -> None:
        now = time.monotonic()
        with self._changed:
            pulses = list(self._pulses)
            # Taken here, because another turn of the same lease may begin at any time, with a time of its own.
            ends = {pulse: end for pulse in pulses if (end := pulse.take_end(now)) is not None}
        for pulse in pulses:
            if pulse in ends:
                self._end(pulse, ends[pulse])
            elif pulse.next_at() <= now:
                self._renew(pulse)
        if self._watch_at <= now:
            self._watch_at = now + WATCH_EVERY_S
            self._watch([pulse for pulse in pulses if not pulse.is_lost.is_set()])

    def _end(self, pulse: Pulse, end: Callable[[], None]) -> None:
        try:
            end()
        except Exception as error:
            # The lease ends by itself then, because it is not renewed any more.
            logger.warning("thread %s: a turn was not ended: %s", pulse.lease.thread_id, type(error).__name__)
            pulse.is_lost.set()

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

    def _watch(self, pulses: list[Pulse]) -> None:
        """Find out which leases were taken away."""
        for using in {pulse.using for pulse in pulses}:
            watched = {pulse.lease: pulse for pulse in pulses if pulse.using == using}
            try:
                lost = taken_away(using, watched)
            except Exception as error:
                # It was only to tell handlers early: what they write is fenced anyway.
                logger.debug("leases not looked at: %s", type(error).__name__)
                continue
            for lease in lost:
                watched[lease].is_lost.set()


heartbeat = Heartbeat()
"""The heartbeat of this process."""
