# ruff: noqa: S101, PLR2004
"""queue: claims. An item under a lease stays in its place until it is acknowledged."""

import pytest

from botstate.contracts.queues import Claim, OnFull
from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase
from botstate.testing.conformance.queues import POLICIES, QueueConformance
from botstate.testing.conformance.tokens import stale_tokens


class QueueClaimConformance(ConformanceBase):
    """claim, ack and nack, and what they mean for dequeue, depth and the bounds."""

    def taken(self, store: StateStore, key: str, lease: float | None = None) -> Claim:
        """Claim an item that must be there."""
        claim = store.queue.claim(key, self.long if lease is None else lease)
        assert claim is not None, "a waiting item can be claimed"
        return claim

    def test_a_claim_takes_the_oldest_and_keeps_it_in_the_queue(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 2)
        claim = self.taken(store, key)
        assert isinstance(claim, Claim)
        assert claim.value == 0, "claim must take the oldest"
        assert claim.attempt == 1, "the first claim of an item is attempt 1"
        assert type(claim.token) is str and claim.token, "a Claim carries a token, a text that is not empty"
        assert store.queue.depth(key) == 2, "a claimed item counts in the depth"

    def test_nothing_to_claim_gives_none(self, store: StateStore, key: str) -> None:
        assert store.queue.claim(key, self.long) is None, "an empty queue gives no claim"
        QueueConformance.put(store, key, 1)
        self.taken(store, key)
        assert store.queue.claim(key, self.long) is None, "a claimed item cannot be claimed"

    def test_claim_and_dequeue_skip_claimed_items(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 4)
        first, second = self.taken(store, key), self.taken(store, key)
        assert (first.value, second.value) == (0, 1), "claim must skip claimed items"
        assert first.token != second.token, "every claim has a token of its own"
        assert QueueConformance.drain(store, key) == [2, 3], "dequeue must skip claimed items"
        assert store.queue.depth(key) == 2, "claimed items are still there"

    def test_ack_removes_the_item(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 2)
        claim = self.taken(store, key)
        assert store.queue.ack(key, claim.token) is True, "ack of a live claim is True"
        assert store.queue.depth(key) == 1, "an acknowledged item is gone"
        assert store.queue.ack(key, claim.token) is False, "a second ack is False"
        assert store.queue.nack(key, claim.token) is False, "an acknowledged item cannot be given back"
        assert QueueConformance.drain(store, key) == [1]

    def test_items_can_be_acknowledged_in_any_order(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 3)
        claims = [self.taken(store, key) for _ in range(3)]
        assert store.queue.ack(key, claims[1].token)
        assert store.queue.nack(key, claims[2].token)
        assert store.queue.nack(key, claims[0].token)
        assert QueueConformance.drain(store, key) == [0, 2], "ack removes its own item only, whatever its place"

    def test_nack_returns_the_item_to_its_place(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 3)
        claim = self.taken(store, key)
        assert store.queue.nack(key, claim.token) is True, "nack of a live claim is True"
        assert store.queue.nack(key, claim.token) is False, "a second nack is False"
        assert store.queue.ack(key, claim.token) is False, "an item that was given back cannot be acknowledged"
        assert store.queue.depth(key) == 3, "nack loses nothing"
        again = self.taken(store, key)
        assert (again.value, again.attempt) == (0, 2), "a returned item is in its place, its next claim attempt 2"
        assert again.token != claim.token, "every claim has a token of its own"

    def test_a_returned_item_is_dequeued_in_its_place(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 2)
        store.queue.nack(key, self.taken(store, key).token)
        assert QueueConformance.drain(store, key) == [0, 1], "a returned item keeps its place"

    def test_a_lapsed_claim_returns_the_item_to_its_place(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 3)
        claim = self.taken(store, key, self.short)
        self.advance(store, self.short)
        assert store.queue.depth(key) == 3, "a lapsed claim loses nothing"
        again = self.taken(store, key)
        assert (again.value, again.attempt) == (0, 2), "a lapsed item is in its place, its next claim attempt 2"
        assert store.queue.ack(key, claim.token) is False, "ack of a lapsed claim is False"
        assert store.queue.nack(key, claim.token) is False, "nack of a lapsed claim is False"
        assert store.queue.ack(key, again.token) is True, "a stale token must not have touched the next claim"
        assert QueueConformance.drain(store, key) == [1, 2]

    def test_ack_of_a_lapsed_claim_is_false_even_if_nobody_took_it(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 1)
        claim = self.taken(store, key, self.short)
        self.advance(store, self.short)
        assert store.queue.ack(key, claim.token) is False, "ack of a lapsed claim is False"
        assert store.queue.nack(key, claim.token) is False, "nack of a lapsed claim is False"
        assert QueueConformance.drain(store, key) == [0], "an item whose ack was refused is still there"

    def test_attempts_count_every_claim(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 1)
        attempts = []
        for _ in range(2):
            given_back = self.taken(store, key)
            store.queue.nack(key, given_back.token)
            lapsed = self.taken(store, key, self.short)
            self.advance(store, self.short)
            attempts += [given_back.attempt, lapsed.attempt]
        assert attempts == [1, 2, 3, 4], "attempt must grow by one with every claim, given back or lapsed"

    def test_a_lease_within_its_time_holds(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 1)
        claim = self.taken(store, key, self.long)
        self.advance(store, self.short)
        assert store.queue.claim(key, self.long) is None, "a claim must not lapse before its lease"
        assert store.queue.ack(key, claim.token) is True

    def test_only_the_very_token_acknowledges(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 2)
        claim = self.taken(store, key)
        for name, token in stale_tokens(claim.token).items():
            assert store.queue.ack(key, token) is False, f"a token that is {name} must acknowledge nothing"
            assert store.queue.nack(key, token) is False, f"a token that is {name} must give nothing back"
        assert store.queue.depth(key) == 2, "both items must still be there"
        assert store.queue.ack(key, claim.token) is True, "the claim must still stand"

    def test_a_token_is_good_for_its_own_queue_only(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, f"{key}:1", 1)
        QueueConformance.put(store, f"{key}:2", 1)
        one, _ = self.taken(store, f"{key}:1"), self.taken(store, f"{key}:2")
        assert store.queue.ack(f"{key}:2", one.token) is False, "a token acknowledges an item of its own queue only"
        assert store.queue.depth(f"{key}:2") == 1

    def test_an_item_enqueued_meanwhile_comes_after_a_returned_one(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 1)
        claim = self.taken(store, key)
        store.queue.enqueue(key, "later")
        store.queue.nack(key, claim.token)
        assert QueueConformance.drain(store, key) == [0, "later"], "a returned item keeps its place before later ones"

    def test_drop_oldest_drops_the_oldest_waiting_one(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 3)
        claim = self.taken(store, key)
        assert store.queue.enqueue(key, 3, max_size=3) == 3, "claimed items count in the depth"
        assert store.queue.ack(key, claim.token) is True, "a claimed item must never be dropped"
        assert QueueConformance.drain(store, key) == [2, 3], "drop-oldest drops the oldest waiting one"

    @pytest.mark.parametrize("policy", POLICIES)
    def test_where_claims_fill_the_queue_the_new_item_is_dropped(
        self, store: StateStore, key: str, policy: OnFull
    ) -> None:
        QueueConformance.put(store, key, 2)
        claims = [self.taken(store, key) for _ in range(2)]
        assert store.queue.enqueue(key, "new", max_size=2, on_full=policy) == 2, "the depth stays at the bound"
        assert store.queue.enqueue(key, "new", max_size=1, on_full=policy) == 2, "claimed items are never dropped"
        assert QueueConformance.drain(store, key) == [], "where claims fill the queue the new item is dropped"
        assert [store.queue.nack(key, claim.token) for claim in claims] == [True, True]
        assert QueueConformance.drain(store, key) == [0, 1], "claimed items are never dropped"

    def test_a_lapsed_item_can_be_dropped(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 2)
        claim = self.taken(store, key, self.short)
        self.advance(store, self.short)
        assert store.queue.enqueue(key, 2, max_size=2) == 2
        assert store.queue.ack(key, claim.token) is False, "a lapsed claim protects nothing"
        assert QueueConformance.drain(store, key) == [1, 2], "a lapsed item waits again and is the oldest"

    @pytest.mark.parametrize(("on_full", "left"), [("drop-oldest", ["new"]), ("drop-newest", [0])])
    def test_lapsed_items_are_dropped_like_any_other(
        self, store: StateStore, key: str, on_full: OnFull, left: list[object]
    ) -> None:
        QueueConformance.put(store, key, 2)
        for _ in range(2):
            self.taken(store, key, self.short)
        self.advance(store, self.short)
        assert store.queue.enqueue(key, "new", 1, on_full) == 1, "a lapsed claim protects nothing from the bound"
        assert QueueConformance.drain(store, key) == left

    def test_an_item_inherits_nothing_of_the_one_that_it_displaces(self, store: StateStore, key: str) -> None:
        QueueConformance.put(store, key, 1)
        self.taken(store, key, self.short)
        self.advance(store, self.short)
        assert store.queue.enqueue(key, "new", 1) == 1
        assert self.taken(store, key).attempt == 1, "the first claim of an item is attempt 1, whatever it displaced"

    def test_a_queue_expires_with_its_claimed_items(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(key, 0, ttl=self.short)
        claim = self.taken(store, key)
        self.advance(store, self.short)
        assert store.queue.depth(key) == 0, "a queue expires as a whole, claimed items included"
        assert store.queue.ack(key, claim.token) is False, "a claim of an expired queue is gone"
        assert store.queue.nack(key, claim.token) is False, "nack must not bring an expired item back"
        store.queue.enqueue(key, "new")
        assert store.queue.ack(key, claim.token) is False, "a token of the expired queue is stale in the fresh one"
        assert QueueConformance.drain(store, key) == ["new"]

    def test_a_queue_of_claimed_items_is_not_empty(self, store: StateStore, key: str) -> None:
        store.queue.enqueue(key, 0, ttl=self.short)
        self.taken(store, key)
        assert store.queue.enqueue(key, 1) == 2, "claimed items keep the queue in being"
        self.advance(store, self.short)
        assert store.queue.depth(key) == 0, "and with it its expiry"
