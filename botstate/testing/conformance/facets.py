# ruff: noqa: S101
"""Facets do not share a key space."""

from collections.abc import Callable

import pytest

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase

NAMES = ["kv", "list", "lock", "dedup", "queue"]

WRITES: dict[str, Callable[[StateStore, str, float], object]] = {
    "kv": lambda store, key, ttl: store.kv.set(key, "kv", ttl=ttl),
    "list": lambda store, key, ttl: store.list.append(key, "list", ttl=ttl),
    "lock": lambda store, key, ttl: store.lock.acquire(key, ttl=ttl),
    "dedup": lambda store, key, ttl: store.dedup.seen(key, ttl),
    "queue": lambda store, key, ttl: store.queue.enqueue(key, "queue", ttl=ttl),
}


class FacetConformance(ConformanceBase):
    """One key may be used in every facet at once."""

    @staticmethod
    def used(store: StateStore, key: str) -> list[str]:
        """Return the facets in which `key` is used; takes its lock if that is free."""
        state = {
            "kv": store.kv.get(key, "missing") != "missing",
            "list": store.list.range(key) != [],
            "lock": store.lock.acquire(key) is None,
            "dedup": store.dedup.check(key) != "new",
            "queue": store.queue.depth(key) != 0,
        }
        return [name for name, is_used in state.items() if is_used]

    @pytest.mark.parametrize("facet", NAMES)
    def test_a_key_used_in_one_facet_is_free_in_the_others(self, store: StateStore, key: str, facet: str) -> None:
        WRITES[facet](store, key, self.long)
        assert self.used(store, key) == [facet], f"a key used in {facet} must be free in every other facet"

    @pytest.mark.parametrize("separator", [":", "/", ".", "-", "_", "|", "\x00", " "])
    def test_no_key_reaches_into_another_facet(self, store: StateStore, key: str, separator: str) -> None:
        for name in NAMES:
            store.kv.set(f"{name}{separator}{key}", name)
            store.kv.set(f"{key}{separator}{name}", name)
        assert self.used(store, key) == [], 'a kv key such as "lock:x" is not the lock "x"'

    def test_deleting_in_one_facet_leaves_the_others(self, store: StateStore, key: str) -> None:
        for write in WRITES.values():
            write(store, key, self.long)
        store.kv.delete(key)
        store.list.delete(key)
        assert self.used(store, key) == ["lock", "dedup", "queue"], "delete must touch its own facet only"

    @pytest.mark.parametrize("facet", NAMES)
    def test_what_expires_in_one_facet_leaves_the_others(self, store: StateStore, key: str, facet: str) -> None:
        for name, write in WRITES.items():
            write(store, key, self.short if name == facet else self.long)
        self.advance(store, self.short)
        others = [name for name in NAMES if name != facet]
        assert self.used(store, key) == others, f"what expires in {facet} must expire there only"
        assert facet == "lock" or facet not in self.used(store, key), f"what expired in {facet} must stay expired"
