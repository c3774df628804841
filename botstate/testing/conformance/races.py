# ruff: noqa: S101, PLR2004
"""Atomicity: many threads at once, one winner, nothing lost, every bound kept."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from botstate.contracts.queues import OnFull
from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import RACERS, ConformanceBase
from botstate.testing.conformance.queues import POLICIES, QueueConformance
from botstate.testing.conformance.threads import Race

ROUNDS = 5


class RaceConformance(ConformanceBase):
    """Each test runs the same call in eight threads from one barrier on."""

    def test_one_consume_gets_the_value(self, store: StateStore, key: str, race: Race) -> None:
        for index in range(ROUNDS):
            store.kv.set(f"{key}:{index}", index)
            got = race(partial(self._consume, store, f"{key}:{index}"))
            assert Counter(got) == {index: 1, "default": RACERS - 1}, "of many consumers exactly one gets the value"

    def test_one_delete_removes_the_value(self, store: StateStore, key: str, race: Race) -> None:
        store.kv.set(key, 1)
        assert sum(race(lambda _: store.kv.delete(key))) == 1, "of many deletes exactly one is True"

    def test_concurrent_sets_leave_one_whole_value(self, store: StateStore, key: str, race: Race) -> None:
        def set_and_get(racer: int) -> Any:
            store.kv.set(key, [racer] * 1_000)
            return store.kv.get(key)

        written = [[racer] * 1_000 for racer in range(RACERS)]
        assert all(value in written for value in race(set_and_get)), "get must return one whole value"
        assert store.kv.get(key) in written, "of many sets one whole value stays"

    def test_one_acquire_gets_the_lock(self, store: StateStore, key: str, race: Race) -> None:
        fences = []
        for _ in range(ROUNDS):
            locks = [lock for lock in race(lambda _: store.lock.acquire(key, ttl=self.long)) if lock]
            assert len(locks) == 1, f"of many acquires exactly one gets the lock, not {len(locks)}"
            fences.append(locks[0].fence)
            store.lock.release(key, locks[0].token)
        assert fences == sorted(set(fences)), f"every fence must be greater than that of the holder before: {fences}"

    def test_one_acquire_gets_an_expired_lock(self, store: StateStore, key: str, race: Race) -> None:
        old = store.lock.acquire(key, ttl=self.short)
        self.advance(store, self.short)
        locks = [lock for lock in race(lambda _: store.lock.acquire(key, ttl=self.long)) if lock]
        assert len(locks) == 1, f"exactly one gets a lock that expired, not {len(locks)}"
        assert old is not None and locks[0].fence > old.fence, "the fence must grow over an expiry"

    def test_one_release_frees_the_lock(self, store: StateStore, key: str, race: Race) -> None:
        lock = store.lock.acquire(key, ttl=self.long)
        assert lock is not None
        assert sum(race(lambda _: store.lock.release(key, lock.token))) == 1, "exactly one release is True"

    def test_never_two_holders_at_once(self, store: StateStore, key: str, race: Race) -> None:
        inside: list[int] = []
        fences: list[int] = []

        def take_turns(racer: int) -> None:
            for _ in range(10):
                lock = store.lock.acquire(key, ttl=self.long)
                if lock is None:
                    continue
                inside.append(racer)
                assert inside == [racer], "two threads held the lock at once"
                fences.append(lock.fence)
                inside.remove(racer)
                assert store.lock.release(key, lock.token), "the holder's release must free the lock"

        race(take_turns)
        assert fences, "somebody must have got the lock"
        assert fences == sorted(set(fences)), f"fences must grow in the order of acquisition: {fences}"

    def test_one_seen_is_the_first(self, store: StateStore, key: str, race: Race) -> None:
        for index in range(ROUNDS):
            got = race(partial(self._seen, store, f"{key}:{index}"))
            assert Counter(got) == {False: 1, True: RACERS - 1}, "of many seen exactly one is the first"

    def test_one_seen_is_the_first_after_expiry(self, store: StateStore, key: str, race: Race) -> None:
        store.dedup.seen(key, self.short)
        self.advance(store, self.short)
        got = race(lambda _: store.dedup.seen(key, self.long))
        assert Counter(got) == {False: 1, True: RACERS - 1}, "after expiry exactly one seen is the first"

    def test_one_claim_of_dedup_wins(self, store: StateStore, key: str, race: Race) -> None:
        tokens = [token for token in race(lambda _: store.dedup.claim(key, self.long)) if token]
        assert len(tokens) == 1, f"of many claims exactly one wins, not {len(tokens)}"
        assert sum(race(lambda _: store.dedup.commit(key, tokens[0], self.long))) == 1, "exactly one commit is True"

    def test_no_append_is_lost(self, store: StateStore, key: str, race: Race) -> None:
        def append(racer: int) -> list[int]:
            return [store.list.append(key, [racer, count]) for count in range(ROUNDS)]

        lengths = sorted(length for each in race(append) for length in each)
        assert lengths == list(range(1, RACERS * ROUNDS + 1)), "every append must return a length of its own"
        items = store.list.range(key)
        assert sorted(items) == [[racer, count] for racer in range(RACERS) for count in range(ROUNDS)], (
            "every appended value must be there exactly once"
        )
        self._assert_in_order_of_each_producer(items)

    def test_the_cap_of_a_list_is_kept(self, store: StateStore, key: str, race: Race) -> None:
        def append(racer: int) -> list[int]:
            return [store.list.append(key, [racer, count], max_len=3) for count in range(ROUNDS)]

        lengths = [length for each in race(append) for length in each]
        assert max(lengths) == 3, "after an append the length is at most max_len"
        items = store.list.range(key)
        assert len(items) == 3, f"a list must hold its cap exactly, not {len(items)}"
        self._assert_in_order_of_each_producer(items)
        assert store.list.append(key, "one more") == 4, "the length must be that of the items"

    def test_no_enqueue_is_lost_or_dequeued_twice(self, store: StateStore, key: str, race: Race) -> None:
        def work(racer: int) -> list[Any]:
            if racer % 2:
                return [item for _ in range(2 * ROUNDS) if (item := store.queue.dequeue(key))]
            return [store.queue.enqueue(key, [racer, count]) for count in range(ROUNDS)]

        got = race(work)
        taken = [item for racer in range(1, RACERS, 2) for item in got[racer]]
        left = store.queue.depth(key)
        rest = QueueConformance.drain(store, key)
        assert left == len(rest), f"the depth must be that of the items: {left}, not {len(rest)}"
        assert sorted(taken + rest) == [[racer, count] for racer in range(0, RACERS, 2) for count in range(ROUNDS)], (
            "every enqueued value must be dequeued exactly once"
        )
        for racer in range(1, RACERS, 2):
            self._assert_in_order_of_each_producer(got[racer])

    @pytest.mark.parametrize("policy", POLICIES)
    def test_the_bound_of_a_queue_is_kept(self, store: StateStore, key: str, race: Race, policy: OnFull) -> None:
        def enqueue(racer: int) -> list[int]:
            return [store.queue.enqueue(key, [racer, count], max_size=3, on_full=policy) for count in range(ROUNDS)]

        depths = [depth for each in race(enqueue) for depth in each]
        assert sorted(depths)[:3] == [1, 2, 3] and max(depths) == 3, "after an enqueue the depth is at most max_size"
        assert store.queue.depth(key) == 3, "a queue must hold its bound exactly"
        items = QueueConformance.drain(store, key)
        assert len(items) == 3, f"the depth must be that of the items: 3, not {len(items)}"
        self._assert_in_order_of_each_producer(items)

    def test_every_item_is_claimed_once(self, store: StateStore, key: str, race: Race) -> None:
        QueueConformance.put(store, key, RACERS - 2)
        claims = [claim for claim in race(lambda _: store.queue.claim(key, self.long)) if claim]
        values = sorted(claim.value for claim in claims)
        assert values == list(range(RACERS - 2)), "every item must be claimed by exactly one"
        token = claims[0].token
        assert sum(race(lambda _: store.queue.ack(key, token))) == 1, "of many acks of a claim exactly one is True"
        assert store.queue.depth(key) == RACERS - 3, "an ack must be counted once"

    def test_sweeping_disturbs_nobody(self, store: StateStore, key: str, race: Race) -> None:
        for index in range(ROUNDS):
            store.kv.set(f"{key}:{index}", "old", ttl=self.short)
            store.list.append(f"{key}:{index}", "old", ttl=self.short)
            store.queue.enqueue(f"{key}:{index}", "old", ttl=self.short)
        self.advance(store, self.short)

        def work(racer: int) -> None:
            for index in range(ROUNDS):
                if racer == 0:
                    store.sweep()
                    continue
                store.kv.set(f"{key}:{index}", "new")
                store.list.append(f"{key}:{index}", "new")
                store.queue.enqueue(f"{key}:{index}", "new")

        race(work)
        for index in range(ROUNDS):
            assert store.kv.get(f"{key}:{index}") == "new", "sweep must not delete what was set meanwhile"
            assert store.list.range(f"{key}:{index}") == ["new"] * (RACERS - 1), "sweep must not delete new items"
            assert store.queue.depth(f"{key}:{index}") == RACERS - 1, "sweep must not delete a queue started afresh"

    @staticmethod
    def _consume(store: StateStore, key: str, racer: int) -> Any:
        return store.kv.consume(key, "default")

    def _seen(self, store: StateStore, key: str, racer: int) -> bool:
        return store.dedup.seen(key, self.long)

    @staticmethod
    def _assert_in_order_of_each_producer(items: list[Any]) -> None:
        for producer in {racer for racer, _ in items}:
            counts = [count for racer, count in items if racer == producer]
            assert counts == sorted(counts), f"one producer's items must keep their order: {counts}"
