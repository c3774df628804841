"""The mirrored cache."""

import asyncio
import os
import time
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation

from botstate import event_loop, exact_json
from botstate.caches.asking import Asked, Known
from botstate.caches.guard import StoreFailedError, StoreGuard
from botstate.caches.memory import BoundedMemory, Kept
from botstate.caches.mirror import MISSING, Mirror, Taken
from botstate.conf import ChannelCaches, get_settings
from botstate.contracts.addresses import MAX_KEY_CHARACTERS, check_text
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, check_bound
from botstate.contracts.stores import StateStore
from botstate.durations import optional_microseconds
from botstate.keyed import Entry, FoundEntry, open_keyed_store
from botstate.keyed.operations import naming
from botstate.types import Duration, Json


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """entries: in memory, those that expired too. waiting: writes that the store has yet to take. lost: those that it
    never will. failures: the store's, by kind: the error's class, or "Timeout"."""

    entries: int
    waiting: int
    lost: int
    failures: dict[str, int]


_caches: "weakref.WeakSet[MirroredCache]" = weakref.WeakSet()


class MirroredCache:
    """A bounded memory, mirrored in a keyed store where BOTSTATE["CACHES"] switches that on for its channel.

    channel: 1 to 64 characters, such as "slack". namespace: that of the keyed store.
    max_entries: in memory; beyond that goes what has expired, else what was written longest ago. max_persisted: the
    same in the store; as many as in memory where it is left out. ttl: a duration for entries that name none; None lets
    them live on.
    store: an alias of BOTSTATE["STORES"], or a store; the one that the settings name where it is left out.

    Off, which is the default, nothing but memory is used: no query, no thread. On, memory comes first, and each process
    has its own: what another process changes is seen once this one asks the store. The calls to the store are made
    on a thread of the cache's own, so they join no transaction of the caller's, and take at most `TIMEOUT` (1 s). A
    store that fails is never raised: the cache goes on in memory, and what it would have written is written when
    the store is back, up to `max_entries` of it. A key or value that no store would take is a BadArgument, which is a
    ValueError, or NotSerializable, on or off, and nothing is written. Every method that may ask the store has an `a`
    twin; without it, on a running event loop, it raises before it does anything.
    Source: OpenClaw's channel caches.
    """

    def __init__(
        self,
        channel: str,
        namespace: str,
        *,
        max_entries: int,
        max_persisted: int | None = None,
        ttl: Duration | None = None,
        store: str | StateStore | None = None,
    ) -> None:
        with naming("cache"):
            check_text(channel, "channel", 64)
            check_bound(max_entries, "max_entries", 1)
            self._ttl_us = optional_microseconds(ttl, "ttl")
        self._channel = channel
        self._namespace = namespace
        self._max_entries = max_entries
        self._max_persisted = max_entries if max_persisted is None else max_persisted
        self._ttl = ttl
        self._store = store
        self._memory = BoundedMemory(max_entries)
        self._opening = Lock()
        self._opened: tuple[ChannelCaches, Mirror] | None = None
        # Bad arguments are found here, and not when the cache is switched on.
        open_keyed_store(namespace, max_entries=self._max_persisted, default_ttl=ttl)
        _caches.add(self)

    def is_persistent(self) -> bool:
        """True where the settings switch the store on."""
        return get_settings().cache(self._channel).persistent

    def register(self, key: str, value: Json, ttl: Duration | None = None) -> None:
        """Keep `value` in memory at once, and write it to the store behind it."""
        self._refuse_to_block("register")
        self._begin_register(key, value, ttl).settle()

    async def aregister(self, key: str, value: Json, ttl: Duration | None = None) -> None:
        """Async twin of `register`."""
        await self._begin_register(key, value, ttl).asettle()

    def lookup(self, key: str, default: Json = None) -> Json:
        """Return the value from memory, else from the store; memory then keeps it, with the times that it has there."""
        value = self._memory.value(key, MISSING)
        if value is not MISSING:
            return value
        entry = self._look_up("lookup", key)
        return default if entry is None else entry.value

    async def alookup(self, key: str, default: Json = None) -> Json:
        """Async twin of `lookup`."""
        value = self._memory.value(key, MISSING)
        if value is not MISSING:
            return value
        entry = await self.alookup_entry(key)
        return default if entry is None else entry.value

    def lookup_entry(self, key: str) -> Entry | None:
        """Return what `lookup` finds, with its times: those of its registration, or of its later writing to a store."""
        return self._look_up("lookup_entry", key)

    async def alookup_entry(self, key: str) -> Entry | None:
        """Async twin of `lookup_entry`."""
        known = self._known(key)
        return await self._begin_lookup(key).asettle() if known is None else known.answer

    def peek(self, key: str, default: Json = None) -> Json:
        """Return the value from memory, else `default`. Never touches the store, so it needs no twin."""
        return self._memory.value(key, default)

    def consume(self, key: str, default: Json = None) -> Json:
        """Remove the entry from memory and store, and return its value, else `default`.

        Of many processes exactly one gets it, as long as the store answers; without it, whoever has it in memory.
        What nobody had in memory while the store was left alone stays there.
        """
        self._refuse_to_block("consume")
        value = self._begin_consume(key).settle()
        return default if value is MISSING else value

    async def aconsume(self, key: str, default: Json = None) -> Json:
        """Async twin of `consume`. A value that the store gives to a task that was cancelled is nobody's."""
        value = await self._begin_consume(key).asettle()
        return default if value is MISSING else value

    def delete(self, key: str) -> bool:
        """Remove the entry from memory and store; True if it was in either."""
        self._refuse_to_block("delete")
        return self._begin_delete(key).settle()

    async def adelete(self, key: str) -> bool:
        """Async twin of `delete`."""
        return await self._begin_delete(key).asettle()

    def status(self) -> CacheStatus:
        """Return how the cache is; asks no store."""
        if self._opened is None:
            return CacheStatus(len(self._memory), 0, 0, {})
        _, mirror = self._opened
        return CacheStatus(len(self._memory), len(mirror.journal), mirror.journal.lost, dict(mirror.guard.failures))

    def forget(self) -> None:
        """Empty the memory, as a restart does; the store keeps what it has."""
        self._memory.clear()

    def close(self, timeout: float = 5.0) -> bool:
        """Write what waits, where the store takes it, and end the thread; True if it ended within `timeout` seconds.

        The cache can be used afterwards.
        """
        if self._opened is None:
            return True
        # Switched off meanwhile or not: it is the thread that is waited for.
        if event_loop.is_running():
            raise SynchronousOnlyOperation("cache.close would block the event loop: use cache.aclose")
        return self._opened[1].guard.close(timeout)

    async def aclose(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """Async twin of `close`."""
        return await asyncio.to_thread(self.close, timeout)

    # Each method begins in memory, and says whether the store has to be asked; its twins differ in how they wait.

    def _begin_register(self, key: str, value: Json, ttl: Duration | None) -> Known[None] | Asked[None]:
        kept = self._checked(key, value, ttl)
        mirror = self._mirror()
        if mirror is None:
            self._memory.set(key, kept)
            return Known(None)
        try:
            return Asked(mirror.guard, "register", mirror.register(key, kept), lambda _: None, lambda: None)
        except StoreFailedError:
            return Known(None)

    def _checked(self, key: str, value: Json, ttl: Duration | None) -> Kept:
        with naming("register"):
            check_text(key, "a key", MAX_KEY_CHARACTERS)
            text = exact_json.dumps_within(value, DEFAULT_MAX_VALUE_BYTES)
            ttl_us = self._ttl_us if ttl is None else optional_microseconds(ttl, "ttl")
        now = datetime.now(UTC)
        ends_at = None if ttl_us is None else time.monotonic() + ttl_us / 1_000_000
        expires_at = None if ttl_us is None else now + timedelta(microseconds=ttl_us)
        return Kept(exact_json.loads(text), now, expires_at, ends_at)

    def _known(self, key: str) -> Known[Entry | None] | None:
        """Return what can be said of a key without the store; None where it has to be asked."""
        kept = self._memory.get(key)
        if kept is not None:
            return Known(_entry(key, kept))
        with naming("lookup"):
            check_text(key, "a key", MAX_KEY_CHARACTERS)
        mirror = self._mirror()
        if mirror is None:
            return Known(None)
        wish = mirror.journal.get(key)
        if wish is None:
            return None
        return Known(None if wish.kept is None or wish.kept.has_ended() else _entry(key, wish.kept))

    def _look_up(self, operation: str, key: str) -> Entry | None:
        known = self._known(key)
        if known is not None:
            return known.answer
        self._refuse_to_block(operation)
        return self._begin_lookup(key).settle()

    def _begin_lookup(self, key: str) -> Known[Entry | None] | Asked[Entry | None]:
        writes = self._memory.writes(key)
        # Whatever is written from here on keeps the store's answer out of memory.
        known = self._known(key)
        mirror = self._mirror()
        if known is not None or mirror is None:
            return known or Known(None)

        def answered(found: FoundEntry | None) -> Entry | None:
            if found is not None:
                self._memory.backfill(key, _kept(found), writes)
            return found

        try:
            return Asked(mirror.guard, "lookup", mirror.read(key), answered, lambda: None)
        except StoreFailedError:
            return Known(None)

    def _begin_consume(self, key: str) -> Known[Any] | Asked[Any]:
        guard, (kept, future) = self._take("consume", key)
        in_memory = MISSING if kept is None else kept.copied()
        if guard is None or future is None:
            return Known(in_memory)
        return Asked(guard, "consume", future, lambda value: value, lambda: in_memory)

    def _begin_delete(self, key: str) -> Known[bool] | Asked[bool]:
        guard, (kept, future) = self._take("delete", key)
        was_in_memory = kept is not None
        if guard is None or future is None:
            return Known(was_in_memory)
        return Asked(
            guard, "delete", future, lambda value: was_in_memory or value is not MISSING, lambda: was_in_memory
        )

    def _take(self, operation: str, key: str) -> tuple[StoreGuard | None, Taken]:
        with naming(operation):
            check_text(key, "a key", MAX_KEY_CHARACTERS)
        mirror = self._mirror()
        if mirror is None:
            return None, Taken(self._memory.pop(key), None)
        return mirror.guard, mirror.take(operation, key)

    def _refuse_to_block(self, operation: str) -> None:
        if event_loop.is_running() and self.is_persistent():
            raise SynchronousOnlyOperation(f"cache.{operation} would block the event loop: use cache.a{operation}")

    def _mirror(self) -> Mirror | None:
        """Return the store's side, begun anew where the settings have changed; None where they switch it off."""
        settings = get_settings().cache(self._channel)
        if not settings.persistent:
            return None
        opened = self._opened
        if opened is None or opened[0] != settings:
            with self._opening:
                opened = self._opened
                if opened is None or opened[0] != settings:
                    if opened is not None:
                        opened[1].retire()
                    self._opened = opened = (settings, self._open(settings))
        return opened[1]

    def _open(self, settings: ChannelCaches) -> Mirror:
        store = settings.store if self._store is None else self._store
        keyed = open_keyed_store(self._namespace, max_entries=self._max_persisted, default_ttl=self._ttl, store=store)
        name = f"{self._channel}:{self._namespace}"
        return Mirror(name, keyed, self._memory, self._max_entries, settings.timeout_s)

    def _reset_after_fork(self) -> None:
        self._opening = Lock()
        self._memory.reset()
        if self._opened is not None:
            self._opened[1].reset()


def _entry(key: str, kept: Kept) -> Entry:
    return Entry(key, kept.copied(), kept.created_at, kept.expires_at)


def _kept(found: FoundEntry) -> Kept:
    """Return what memory keeps of an entry: it ends here when it expires there, however the clocks differ."""
    ends_at = None
    if found.expires_at is not None:
        ends_at = time.monotonic() + (found.expires_at - found.found_at).total_seconds()
    kept = Kept(found.value, found.created_at, found.expires_at, ends_at, is_stored=True)
    # The caller has the other one.
    kept.value = kept.copied()
    return kept


def _reset_after_fork() -> None:
    for cache in list(_caches):
        cache._reset_after_fork()


os.register_at_fork(after_in_child=_reset_after_fork)
