"""Claimable dedup of what comes in."""

import asyncio
import os
import time
import weakref
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from django.core.exceptions import SynchronousOnlyOperation

from botstate import event_loop
from botstate.caches.asking import Asked, Known
from botstate.caches.cache import CacheStatus
from botstate.caches.claims import KnownClaims
from botstate.caches.dedup_mirror import DedupMirror
from botstate.caches.endings import Endings
from botstate.caches.guard import StoreFailedError, was_made
from botstate.caches.values import joined
from botstate.conf import get_settings
from botstate.contracts.addresses import MAX_NAMESPACE_CHARACTERS, Address, check_text
from botstate.contracts.dedup import DedupFacet, DedupStatus
from botstate.contracts.facet import check_bound, is_token, new_token
from botstate.contracts.stores import StateStore
from botstate.durations import MICROSECONDS_PER_SECOND, to_microseconds
from botstate.keyed.operations import naming
from botstate.stores import stores
from botstate.types import Duration

LEASE = "5m"
TTL = "24h"
MAX_ENTRIES = 10_000

T = TypeVar("T")

_dedups: "weakref.WeakSet[InboundDedup]" = weakref.WeakSet()


class InboundDedup:
    """Has this event been taken in before: a claim while it is being worked on, done once it was.

        token = inbound.claim(event_id)
        if token is None:
            return                       # somebody works on it, or it is done
        try:
            handle(event)
        except Exception:
            inbound.release(event_id, token)
            raise
        inbound.commit(event_id, token)

    channel: 1 to 64 characters, such as "slack". namespace: 1 to 255 characters; those of one channel are apart.
    key: 1 to 512 characters. lease: how long a claim lasts whose holder died. ttl: how long what is done stays so.
    max_entries: how many keys memory holds, and how many more that the store let this process claim; what was done
    longest ago goes first, and what is claimed never does. Full of live claims, a further one is granted and not
    remembered (`status().lost` counts it): one that the store granted is like another process's when it is away.
    store: an alias of BOTSTATE["STORES"], or a store; the one that the settings name where it is left out.

    Off, which is the default, all of it is in memory: no query, no thread, and each process is by itself. On, the
    store's dedup decides, called as a `MirroredCache` calls its store: while it answers, one process of all gets the
    claim, and what was done stays done over a restart. What this process committed itself is known without a query.
    A store that fails is never raised: until it is back each process is by itself, so two of them can claim one key.
    What this one claimed before or meanwhile it commits and releases all the same, and tells the store when it is back,
    up to `max_entries` keys of it (`status().lost` counts the others). Not told are claims that it still holds: another
    process may take what is claimed here until it is committed. A token from another process cannot be judged without
    the store: its commit or release is False then, and made when the store is back, if the claim lives.
    Source: OpenClaw's claimable dedupe.
    """

    def __init__(
        self,
        channel: str,
        namespace: str,
        *,
        lease: Duration = LEASE,
        ttl: Duration = TTL,
        max_entries: int = MAX_ENTRIES,
        store: str | StateStore | None = None,
    ) -> None:
        with naming("inbound"):
            check_text(channel, "channel", 64)
            check_text(namespace, "namespace", MAX_NAMESPACE_CHARACTERS)
            check_bound(max_entries, "max_entries", 1)
            self._lease_us = to_microseconds(lease, "lease")
            self._ttl_us = to_microseconds(ttl, "ttl")
        self._channel = channel
        self._namespace = namespace
        self._store = store
        self._untold = Endings(max_entries)
        self._known = KnownClaims(max_entries, self._lease_us, self._ttl_us, self._untold)
        self._opening = Lock()
        self._mirror: DedupMirror | None = None
        _dedups.add(self)

    def is_persistent(self) -> bool:
        """True where the settings switch the store on."""
        return get_settings().cache(self._channel).persistent

    def claim(self, key: str) -> str | None:
        """Claim a new key for the lease and return the token, or None when it is claimed or done."""
        self._refuse_to_block("claim")
        return self._begin_claim(key).settle()

    async def aclaim(self, key: str) -> str | None:
        """Async twin of `claim`."""
        return await self._begin_claim(key).asettle()

    def commit(self, key: str, token: str) -> bool:
        """Turn the live claim of `token` into done for the ttl; False when the claim is gone."""
        self._refuse_to_block("commit")
        return self._begin_commit(key, token).settle()

    async def acommit(self, key: str, token: str) -> bool:
        """Async twin of `commit`."""
        return await self._begin_commit(key, token).asettle()

    def release(self, key: str, token: str) -> bool:
        """Give the live claim of `token` up, so that the key is new again; False when the claim is gone."""
        self._refuse_to_block("release")
        return self._begin_release(key, token).settle()

    async def arelease(self, key: str, token: str) -> bool:
        """Async twin of `release`."""
        return await self._begin_release(key, token).asettle()

    def check(self, key: str) -> DedupStatus:
        """Say what `key` is, "new", "claimed" or "done", and record nothing."""
        self._refuse_to_block("check")
        return self._begin_check(key).settle()

    async def acheck(self, key: str) -> DedupStatus:
        """Async twin of `check`."""
        return await self._begin_check(key).asettle()

    def status(self) -> CacheStatus:
        """Return how the dedup is; asks no store. entries: the keys that memory knows to be claimed or done."""
        failures = {} if self._mirror is None else dict(self._mirror.guard.failures)
        lost = self._untold.lost + self._known.not_remembered
        return CacheStatus(len(self._known), len(self._untold), lost, failures)

    def forget(self) -> None:
        """Empty the memory, as a restart does; the store keeps what it has, and hears what waits."""
        self._known.forget()

    def close(self, timeout: float = 5.0) -> bool:
        """Write what waits, where the store takes it, and end the thread; True if it ended within `timeout` seconds.

        The dedup can be used afterwards.
        """
        if self._mirror is None:
            return True
        # Switched off meanwhile or not: it is the thread that is waited for.
        if event_loop.is_running():
            raise SynchronousOnlyOperation("inbound.close would block the event loop: use inbound.aclose")
        return self._mirror.guard.close(timeout)

    async def aclose(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """Async twin of `close`."""
        return await asyncio.to_thread(self.close, timeout)

    # Each method begins in memory, and says whether the store has to be asked; its twins differ in how they wait.

    def _begin_claim(self, key: str) -> "Known[str | None] | Asked[str | None]":
        address = self._address("claim", key)
        if self._known.status(address) != "new":
            return Known(None)
        # It is made here, and not by the store, so that a claim whose answer got lost can be ended all the same.
        token = new_token()
        if not self.is_persistent():
            return Known(token if self._known.claim(address, token) else None)
        mirror = self._opened()
        began = time.monotonic()

        def call(dedup: DedupFacet, store_key: str) -> bool:
            mirror.tell_of(key)
            return dedup._claim(dedup._address(store_key), token, self._lease_us)

        def answered(claimed: bool) -> str | None:
            if not claimed:
                return None
            if self._known.hold(address, token, began):
                return token
            self._tell_later(key, token, commits=False)
            return None

        def unanswered(was_made: bool) -> str | None:
            if self._known.claim(address, token):
                return token
            if was_made:
                self._tell_later(key, token, commits=False)
            return None

        return self._ask("claim", key, call, answered, unanswered)

    def _begin_commit(self, key: str, token: str) -> "Known[bool] | Asked[bool]":
        address = self._address("commit", key)
        if not is_token(token) or self._known.is_done_here(address):
            return Known(False)
        if self._known.commit(address, token):
            return self._ended_here(key, token, is_done=True)
        if not self.is_persistent():
            return Known(False)
        began = time.monotonic()

        def call(dedup: DedupFacet, store_key: str) -> bool:
            return dedup.commit(store_key, token, self._ttl_us / MICROSECONDS_PER_SECOND)

        def answered(committed: bool) -> bool:
            if committed:
                self._known.end_held(address, token, done_since=began)
            else:
                self._known.let_go(key, token)
            return committed

        def unanswered(was_made: bool) -> bool:
            is_ours = self._known.end_held(address, token, done_since=None)
            self._tell_later(key, token, commits=True, is_done=is_ours)
            return is_ours

        return self._ask("commit", key, call, answered, unanswered)

    def _begin_release(self, key: str, token: str) -> "Known[bool] | Asked[bool]":
        address = self._address("release", key)
        if not is_token(token):
            return Known(False)
        if self._known.release(address, token):
            return self._ended_here(key, token, is_done=False)
        if not self.is_persistent():
            return Known(False)

        def call(dedup: DedupFacet, store_key: str) -> bool:
            return dedup.release(store_key, token)

        def answered(released: bool) -> bool:
            self._known.let_go(key, token)
            return released

        def unanswered(was_made: bool) -> bool:
            is_ours = self._known.let_go(key, token)
            self._tell_later(key, token, commits=False)
            return is_ours

        return self._ask("release", key, call, answered, unanswered)

    def _begin_check(self, key: str) -> "Known[DedupStatus] | Asked[DedupStatus]":
        known = self._known.status(self._address("check", key))
        if known != "new" or not self.is_persistent():
            return Known(known)
        mirror = self._opened()

        def call(dedup: DedupFacet, store_key: str) -> DedupStatus:
            mirror.tell_of(key)
            return dedup.check(store_key)

        def unanswered(was_made: bool) -> DedupStatus:
            return "claimed" if self._known.is_held(key) else "new"

        return self._ask("check", key, call, lambda status: status, unanswered)

    def _ended_here(self, key: str, token: str, *, is_done: bool) -> "Known[bool] | Asked[bool]":
        """Tell the store how a claim ended that is in memory. It may know of it, where its answer to it got lost."""
        if not self.is_persistent():
            return Known(True)
        mirror = self._opened()
        self._tell_later(key, token, commits=is_done, is_done=is_done)
        return self._ask("write", key, lambda dedup, store_key: mirror.tell_of(key), lambda _: True, lambda _: True)

    def _tell_later(self, key: str, token: str, *, commits: bool, is_done: bool = False) -> None:
        lasts_us = self._ttl_us if commits else self._lease_us
        self._untold.add(key, token, commits=commits, is_done=is_done, lasts_s=lasts_us / MICROSECONDS_PER_SECOND)
        self._opened().guard.wake()

    def _ask(
        self,
        operation: str,
        key: str,
        call: Callable[[DedupFacet, str], Any],
        answered: Callable[[Any], T],
        unanswered: Callable[[bool], T],
    ) -> "Known[T] | Asked[T]":
        mirror = self._opened()
        try:
            future = mirror.submit(operation, key, call)
        except StoreFailedError:
            return Known(unanswered(False))
        return Asked(mirror.guard, operation, future, answered, lambda: unanswered(was_made(future)))

    def _refuse_to_block(self, operation: str) -> None:
        # Before anything is touched, and not only where the store has to be asked.
        if event_loop.is_running() and self.is_persistent():
            raise SynchronousOnlyOperation(f"inbound.{operation} would block the event loop: use inbound.a{operation}")

    def _address(self, operation: str, key: str) -> Address:
        with naming(operation):
            return self._known.address(key)

    def _store_key(self, key: str) -> str:
        return joined("botstate.inbound", self._channel, self._namespace, key)

    def _dedup(self) -> DedupFacet:
        settings = get_settings().cache(self._channel)
        store = settings.store if self._store is None else self._store
        return (stores[store] if isinstance(store, str) else store).dedup

    def _opened(self) -> DedupMirror:
        with self._opening:
            if self._mirror is None:
                name = f"{self._channel}:{self._namespace}"
                timeout_s = get_settings().cache(self._channel).timeout_s
                self._mirror = DedupMirror(name, self._dedup, self._store_key, self._untold, timeout_s)
            return self._mirror

    def _reset_after_fork(self) -> None:
        self._opening = Lock()
        self._untold.reset()
        self._known.reset()
        if self._mirror is not None:
            self._mirror.reset()


def _reset_after_fork() -> None:
    for dedup in list(_dedups):
        dedup._reset_after_fork()


os.register_at_fork(after_in_child=_reset_after_fork)
