# ruff: noqa: S101, PLR2004
"""sweep: what expired goes, at most so many per facet, and nothing else."""

from collections import Counter
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase, refused
from botstate.testing.conformance.facets import NAMES, WRITES, FacetConformance

#: What sweep may leave for later: the row of a lock carries its fence.
MAY_STAY = {"lock"}


class SweepConformance(ConformanceBase):
    """Nothing that has expired is ever returned, swept or not; sweeping is about room only."""

    @staticmethod
    def clean(store: StateStore) -> None:
        """Sweep away what earlier tests have left in a shared store."""
        while any(store.sweep(10_000).values()):
            pass

    def write_all(self, store: StateStore, stem: str, count: int, ttl: float) -> None:
        """Use `count` keys in each facet."""
        for index in range(count):
            for write in WRITES.values():
                write(store, f"{stem}:{index}", ttl)

    def test_sweep_counts_by_facet(self, store: StateStore, key: str) -> None:
        swept = store.sweep()
        assert set(NAMES) <= set(swept), "sweep must return a count for each facet"
        assert all(type(count) is int and count >= 0 for count in swept.values()), f"counts are ints: {swept}"

    def test_sweep_removes_all_that_expired(self, store: StateStore, key: str) -> None:
        self.clean(store)
        self.write_all(store, key, 3, self.short)
        self.advance(store, self.short)
        swept = store.sweep()
        if not store.drops_expired:
            assert (swept["kv"], swept["dedup"]) == (3, 3), f"sweep counts what went: {swept}"
            assert swept["list"] >= 3 and swept["queue"] >= 3, f"sweep counts expired lists and queues: {swept}"
        again = store.sweep()
        left = {name: count for name, count in again.items() if count and name not in MAY_STAY}
        assert left == {}, "a second sweep finds nothing more"

    def test_sweep_removes_no_more_than_its_limit_per_facet(self, store: StateStore, key: str) -> None:
        self.clean(store)
        self.write_all(store, key, 5, self.short)
        self.advance(store, self.short)
        total: Counter[str] = Counter()
        for _ in range(20):
            swept = store.sweep(limit=2)
            assert max(swept.values()) <= 2, f"sweep removes at most limit per facet: {swept}"
            total.update(swept)
        if not store.drops_expired:
            assert (total["kv"], total["dedup"]) == (5, 5), f"sweep after sweep removes everything: {dict(total)}"

    def test_sweep_removes_long_lists_and_queues_bit_by_bit(self, store: StateStore, key: str) -> None:
        self.clean(store)
        for value in range(7):
            store.list.append(key, value, ttl=self.short)
            store.queue.enqueue(key, value, ttl=self.short)
        self.advance(store, self.short)
        for _ in range(10):
            swept = store.sweep(limit=3)
            assert max(swept.values()) <= 3, f"sweep removes at most limit per facet: {swept}"
            assert store.list.range(key) == [], "a half-swept list is expired, not shorter"
            assert store.queue.depth(key) == 0, "a half-swept queue is expired, not shorter"
        assert store.list.append(key, "new") == 1, "an append after a sweep starts a fresh list"
        assert store.queue.enqueue(key, "new") == 1, "an enqueue after a sweep starts a fresh queue"

    def test_a_half_swept_list_or_queue_can_be_started_afresh(self, store: StateStore, key: str) -> None:
        self.clean(store)
        for value in range(5):
            store.list.append(key, value, ttl=self.short)
            store.queue.enqueue(key, value, ttl=self.short)
        self.advance(store, self.short)
        store.sweep(limit=2)
        assert store.list.append(key, "new") == 1, "an append to a half-swept list starts a fresh one"
        assert store.queue.enqueue(key, "new") == 1, "an enqueue to a half-swept queue starts a fresh one"
        self.clean(store)
        assert store.list.range(key) == ["new"], "sweep must leave a list that was started afresh"
        assert store.queue.dequeue(key) == "new", "sweep must leave a queue that was started afresh"

    def test_sweep_leaves_what_has_not_expired(self, store: StateStore, key: str) -> None:
        self.write_all(store, f"{key}:long", 2, self.long)
        store.kv.set(key, "forever")
        store.list.append(key, "forever")
        store.queue.enqueue(key, "forever")
        self.advance(store, self.short)
        self.clean(store)
        for index in range(2):
            assert FacetConformance.used(store, f"{key}:long:{index}") == NAMES, "sweep must leave what lives"
        assert store.kv.get(key) == "forever", "what has no ttl is never swept"
        assert store.list.range(key) == ["forever"], "what has no ttl is never swept"
        assert store.queue.dequeue(key) == "forever", "what has no ttl is never swept"

    def test_sweep_frees_no_claim(self, store: StateStore, key: str) -> None:
        token = store.dedup.claim(key, self.long)
        store.queue.enqueue(key, 1)
        claim = store.queue.claim(key, self.long)
        assert token is not None and claim is not None
        self.clean(store)
        assert store.dedup.commit(key, token, self.long), "sweep must leave a live claim of dedup"
        assert store.queue.ack(key, claim.token), "sweep must leave a live claim of a queue"

    @pytest.mark.parametrize("bad", [0, -1, 1.5, "10", True, None])
    def test_a_bad_limit_is_refused(self, store: StateStore, bad: Any) -> None:
        said = refused("sweep", ValueError, store.sweep, limit=bad)
        assert "limit" in said, f"sweep must name limit when it refuses it: {said}"
