# ruff: noqa: S101, PLR2004
"""queue: a first-in first-out queue per key, its bounds and its expiry; claims are in `claims`."""

from typing import Any, get_args

import pytest

from botstate.contracts.queues import OnFull
from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase, refused
from botstate.testing.conformance.lists import BAD_BOUNDS

POLICIES: tuple[OnFull, ...] = get_args(OnFull)


class QueueConformance(ConformanceBase):
    """enqueue, dequeue and depth."""

    @staticmethod
    def put(store: StateStore, key: str, count: int) -> None:
        """Enqueue 0, 1, … without a bound."""
        for value in range(count):
            store.queue.enqueue(key, value)

    @staticmethod
    def drain(store: StateStore, key: str) -> list[Any]:
        """Dequeue all that waits."""
        drained = []
        while (value := store.queue.dequeue(key, "empty")) != "empty":
            drained.append(value)
        return drained

    def test_first_in_first_out(self, store: StateStore, key: str) -> None:
        depths = [store.queue.enqueue(key, value) for value in range(12)]
        assert depths == list(range(1, 13)), "enqueue must return the depth"
        assert self.drain(store, key) == list(range(12)), "dequeue must return the oldest first"

    def test_dequeue_removes_what_it_returns(self, store: StateStore, key: str) -> None:
        self.put(store, key, 2)
        assert store.queue.dequeue(key) == 0
        assert store.queue.depth(key) == 1, "a dequeued item no longer counts"
        assert store.queue.enqueue(key, 2) == 2, "enqueue counts from what dequeue left"
        assert self.drain(store, key) == [1, 2]

    def test_an_empty_queue_gives_the_default(self, store: StateStore, key: str) -> None:
        assert store.queue.depth(key) == 0, "a queue never used is empty"
        assert store.queue.dequeue(key) is None
        assert store.queue.dequeue(key, "default") == "default"
        self.put(store, key, 1)
        store.queue.dequeue(key)
        assert store.queue.dequeue(key, "default") == "default", "a drained queue is empty"
        assert store.queue.depth(key) == 0

    def test_queues_do_not_touch_each_other(self, store: StateStore, key: str) -> None:
        self.put(store, f"{key}:1", 2)
        self.put(store, f"{key}:2", 2)
        store.queue.enqueue(f"{key}:1", 9, max_size=1, ttl=self.short)
        self.advance(store, self.short)
        assert self.drain(store, f"{key}:2") == [0, 1], "bound and ttl hold for their own queue only"

    @pytest.mark.parametrize("bad", BAD_BOUNDS)
    def test_a_bad_max_size_is_refused(self, store: StateStore, key: str, bad: Any) -> None:
        said = refused("queue.enqueue", ValueError, store.queue.enqueue, key, 1, max_size=bad)
        assert "max_size" in said, f"enqueue must name max_size when it refuses it: {said}"
        assert store.queue.depth(key) == 0, "an enqueue with a refused max_size must write nothing"

    @pytest.mark.parametrize("bad", ["", "drop", "DROP-OLDEST", "drop-oldest ", None, 1])
    def test_an_unknown_policy_is_refused(self, store: StateStore, key: str, bad: Any) -> None:
        said = refused("queue.enqueue", ValueError, store.queue.enqueue, key, 1, max_size=5, on_full=bad)
        assert "on_full" in said, f"enqueue must name on_full when it refuses it: {said}"
        assert store.queue.depth(key) == 0, "an enqueue with a refused policy must write nothing"

    def test_at_the_bound_drop_oldest_is_the_default(self, store: StateStore, key: str) -> None:
        depths = [store.queue.enqueue(key, value, max_size=3) for value in range(5)]
        assert depths == [1, 2, 3, 3, 3], "enqueue must return the depth after the bound"
        assert self.drain(store, key) == [2, 3, 4], "without a policy the oldest are dropped"

    def test_drop_oldest_drops_the_oldest(self, store: StateStore, key: str) -> None:
        for value in range(5):
            store.queue.enqueue(key, value, max_size=2, on_full="drop-oldest")
        assert self.drain(store, key) == [3, 4], "drop-oldest must drop the oldest"

    def test_drop_newest_drops_the_new_one(self, store: StateStore, key: str) -> None:
        depths = [store.queue.enqueue(key, value, max_size=2, on_full="drop-newest") for value in range(5)]
        assert depths == [1, 2, 2, 2, 2], "enqueue must return the depth after the bound"
        assert self.drain(store, key) == [0, 1], "drop-newest must drop the new one"

    def test_there_is_room_again_after_a_dequeue(self, store: StateStore, key: str) -> None:
        for value in range(2):
            store.queue.enqueue(key, value, max_size=2)
        store.queue.dequeue(key)
        assert store.queue.enqueue(key, "new", max_size=2, on_full="drop-newest") == 2
        assert self.drain(store, key) == [1, "new"], "below the bound nothing is dropped"

    @pytest.mark.parametrize("policy", POLICIES)
    def test_below_the_bound_nothing_is_dropped(self, store: StateStore, key: str, policy: OnFull) -> None:
        for value in range(3):
            store.queue.enqueue(key, value, max_size=3, on_full=policy)
        assert self.drain(store, key) == [0, 1, 2], "the bound is the most that may be there"

    def test_drop_oldest_keeps_the_bound_where_the_depth_was_higher(self, store: StateStore, key: str) -> None:
        self.put(store, key, 7)
        assert store.queue.enqueue(key, 7, max_size=2) == 2, "after an enqueue the depth is at most max_size"
        assert store.queue.depth(key) == 2
        assert self.drain(store, key) == [6, 7], "drop-oldest drops as many of the oldest as it takes"

    def test_drop_newest_keeps_the_bound_where_the_depth_was_higher(self, store: StateStore, key: str) -> None:
        self.put(store, key, 7)
        assert store.queue.enqueue(key, 7, max_size=2, on_full="drop-newest") == 2, "the depth is at most max_size"
        assert store.queue.depth(key) == 2
        assert self.drain(store, key) == [0, 1], "drop-newest drops as many of the newest as it takes"

    def test_an_enqueue_without_a_bound_drops_nothing(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(key, 0, max_size=1)
        assert store.queue.enqueue(key, 1) == 2, "a bound holds for the enqueue that names it"

    def test_a_queue_expires_as_a_whole(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(key, 0)
        store.queue.enqueue(key, 1, ttl=self.short)
        store.queue.enqueue(key, 2)
        self.advance(store, self.short)
        assert store.queue.depth(key) == 0, "an expired queue has no depth"
        assert store.queue.claim(key, self.long) is None, "nothing of an expired queue can be claimed"
        assert store.queue.dequeue(key, "empty") == "empty", "nothing of an expired queue can be dequeued"

    def test_an_enqueue_without_a_ttl_keeps_the_expiry(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(key, 0, ttl=self.long)
        store.queue.enqueue(key, 1)
        self.advance(store, self.short)
        assert store.queue.depth(key) == 2, "a queue must not expire before its ttl"
        assert self.drain(store, key) == [0, 1]

    def test_an_enqueue_with_a_ttl_sets_the_expiry_anew(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(f"{key}:longer", 0, ttl=self.short)
        store.queue.enqueue(f"{key}:longer", 1, ttl=self.long)
        store.queue.enqueue(f"{key}:shorter", 0, ttl=self.long)
        store.queue.enqueue(f"{key}:shorter", 1, ttl=self.short)
        self.advance(store, self.short)
        assert self.drain(store, f"{key}:longer") == [0, 1], "an enqueue's longer ttl holds for the whole queue"
        assert self.drain(store, f"{key}:shorter") == [], "an enqueue's shorter ttl holds for the whole queue"

    def test_an_enqueue_to_an_expired_queue_starts_a_fresh_one_with_no_expiry(
        self, store: StateStore, key: str
    ) -> None:
        self.put(store, key, 3)
        store.queue.claim(key, self.long)
        store.queue.enqueue(key, 3, ttl=self.short)
        self.advance(store, self.short)
        assert store.queue.enqueue(key, "new") == 1, "an enqueue to an expired queue starts a fresh one"
        self.advance(store, self.short)
        assert store.queue.depth(key) == 1, "a fresh queue must not inherit the old expiry"
        assert self.drain(store, key) == ["new"], "no expired item may come back to life"

    def test_a_drained_queue_passes_no_expiry_on(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(key, "old", ttl=self.short)
        store.queue.dequeue(key)
        store.queue.enqueue(key, "new")
        self.advance(store, self.short)
        assert self.drain(store, key) == ["new"], "an empty queue has no expiry to pass on"

    def test_an_expired_queue_does_not_count_against_the_bound(self, store: StateStore, key: str) -> None:
        self.put(store, key, 3)
        store.queue.enqueue(key, 3, ttl=self.short)
        self.advance(store, self.short)
        assert store.queue.enqueue(key, "new", max_size=1, on_full="drop-newest") == 1
        assert self.drain(store, key) == ["new"], "what expired must not fill a queue"
