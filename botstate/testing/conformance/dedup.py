# ruff: noqa: S101
"""dedup: has this been seen, and claims for work that may fail."""

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase
from botstate.testing.conformance.tokens import stale_tokens


class DedupConformance(ConformanceBase):
    """A key is "new", "claimed" or "done"."""

    def claim(self, store: StateStore, key: str, lease: float | None = None) -> str:
        """Claim a key that must be new."""
        token = store.dedup.claim(key, self.long if lease is None else lease)
        assert token is not None, "a new key can be claimed"
        return token

    def test_seen_records_and_says_whether_it_was_seen(self, store: StateStore, key: str) -> None:
        assert store.dedup.check(key) == "new", "a key never seen is new"
        assert store.dedup.seen(key, self.long) is False, "the first seen is False"
        assert store.dedup.check(key) == "done", "seen records the key as done"
        assert store.dedup.seen(key, self.long) is True, "the second seen is True"

    def test_check_records_nothing(self, store: StateStore, key: str) -> None:
        assert [store.dedup.check(key) for _ in range(3)] == ["new"] * 3
        assert store.dedup.seen(key, self.long) is False, "check must record nothing"

    def test_a_seen_key_is_new_again_after_its_ttl(self, store: StateStore, key: str) -> None:
        store.dedup.seen(f"{key}:short", self.short)
        store.dedup.seen(f"{key}:long", self.long)
        self.advance(store, self.short)
        assert store.dedup.check(f"{key}:short") == "new", "after its ttl a key is new again"
        assert store.dedup.seen(f"{key}:short", self.long) is False, "after its ttl a key was not seen"
        assert store.dedup.seen(f"{key}:short", self.long) is True, "and is recorded again"
        assert store.dedup.seen(f"{key}:long", self.long) is True, "within its ttl a key was seen"

    def test_a_repeat_does_not_prolong_the_first_ttl(self, store: StateStore, key: str) -> None:
        store.dedup.seen(key, self.short)
        store.dedup.seen(key, self.long)
        assert store.dedup.claim(key, self.long) is None, "what was seen cannot be claimed"
        self.advance(store, self.short)
        assert store.dedup.check(key) == "new", "a repeat or a refused claim must not prolong the first one's ttl"

    def test_a_repeat_does_not_shorten_the_first_ttl(self, store: StateStore, key: str) -> None:
        store.dedup.seen(key, self.long)
        store.dedup.seen(key, self.short)
        self.advance(store, self.short)
        assert store.dedup.check(key) == "done", "a repeat must not shorten the first one's ttl"

    def test_a_claim_is_one_callers(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key)
        assert type(token) is str and token, "claim gives a token, a text that is not empty"
        assert store.dedup.check(key) == "claimed", "a claimed key says so"
        assert store.dedup.claim(key, self.long) is None, "a claimed key cannot be claimed"
        assert store.dedup.seen(key, self.long) is True, "a claimed key counts as seen"
        assert store.dedup.check(key) == "claimed", "seen of a claimed key must leave the claim"
        assert store.dedup.commit(key, token, self.long) is True, "the claim must still be its holder's"

    def test_commit_makes_it_done(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key, self.short)
        assert store.dedup.commit(key, token, self.long) is True, "commit of a live claim is True"
        assert store.dedup.check(key) == "done", "commit turns the claim into done"
        assert store.dedup.commit(key, token, self.long) is False, "a committed claim is gone"
        assert store.dedup.release(key, token) is False, "a committed claim cannot be released"
        assert store.dedup.seen(key, self.long) is True
        assert store.dedup.claim(key, self.long) is None, "what is done cannot be claimed"
        self.advance(store, self.short)
        assert store.dedup.check(key) == "done", "commit's ttl takes the place of the lease"

    def test_what_was_committed_is_new_again_after_its_ttl(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key)
        store.dedup.commit(key, token, self.short)
        self.advance(store, self.short)
        assert store.dedup.check(key) == "new", "commit's ttl must end when it says"
        assert store.dedup.seen(key, self.long) is False

    def test_release_makes_it_new(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key)
        assert store.dedup.release(key, token) is True, "release of a live claim is True"
        assert store.dedup.check(key) == "new", "a released claim does not burn the key"
        assert store.dedup.release(key, token) is False, "a second release is False"
        assert store.dedup.commit(key, token, self.long) is False, "a released claim cannot be committed"
        assert self.claim(store, key) != token, "every claim has a token of its own"

    def test_a_released_key_can_be_seen(self, store: StateStore, key: str) -> None:
        store.dedup.release(key, self.claim(store, key))
        assert store.dedup.seen(key, self.long) is False, "a released key was not seen"
        assert store.dedup.seen(key, self.long) is True

    def test_a_lapsed_claim_makes_it_new(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key, self.short)
        self.advance(store, self.short)
        assert store.dedup.check(key) == "new", "a claim that lapsed leaves the key new"
        assert store.dedup.commit(key, token, self.long) is False, "a lapsed claim cannot be committed"
        assert store.dedup.check(key) == "new", "a refused commit must not bring a lapsed claim back"
        assert store.dedup.release(key, token) is False, "a lapsed claim cannot be released"
        assert store.dedup.seen(key, self.long) is False, "a lapsed claim does not count as seen"

    def test_a_lapsed_claim_cannot_touch_the_next_one(self, store: StateStore, key: str) -> None:
        first = self.claim(store, key, self.short)
        self.advance(store, self.short)
        second = self.claim(store, key)
        assert first != second, "every claim has a token of its own"
        assert store.dedup.release(key, first) is False, "a stale token must release nothing"
        assert store.dedup.commit(key, first, self.long) is False, "a stale token must commit nothing"
        assert store.dedup.check(key) == "claimed", "the next claim must still stand"
        assert store.dedup.commit(key, second, self.long) is True

    def test_a_token_of_a_claim_before_seen_is_stale(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key, self.short)
        self.advance(store, self.short)
        store.dedup.seen(key, self.long)
        assert store.dedup.release(key, token) is False, "a stale token must not make a done key new"
        assert store.dedup.commit(key, token, self.short) is False, "a stale token must not shorten what is done"
        self.advance(store, self.short)
        assert store.dedup.check(key) == "done"

    def test_only_the_very_token_commits_and_releases(self, store: StateStore, key: str) -> None:
        token = self.claim(store, key)
        for name, stale in stale_tokens(token).items():
            assert store.dedup.commit(key, stale, self.long) is False, f"a token that is {name} must commit nothing"
            assert store.dedup.release(key, stale) is False, f"a token that is {name} must release nothing"
        assert store.dedup.check(key) == "claimed", "the claim must still stand"

    def test_no_token_touches_what_is_done(self, store: StateStore, key: str) -> None:
        store.dedup.seen(key, self.long)
        for name, token in stale_tokens("0" * 32).items():
            assert store.dedup.release(key, token) is False, f"what is done has no claim; the token is {name}"
            assert store.dedup.commit(key, token, self.short) is False
        assert store.dedup.check(key) == "done"

    def test_commit_and_release_of_a_key_never_claimed_are_false(self, store: StateStore, key: str) -> None:
        assert store.dedup.commit(key, "0" * 32, self.long) is False
        assert store.dedup.release(key, "0" * 32) is False
        assert store.dedup.check(key) == "new", "a refused commit must record nothing"

    def test_a_token_is_good_for_its_own_key_only(self, store: StateStore, key: str) -> None:
        one, other = self.claim(store, f"{key}:1"), self.claim(store, f"{key}:2")
        assert one != other, "every claim has a token of its own"
        assert store.dedup.commit(f"{key}:2", one, self.long) is False, "a token commits its own key only"
        assert store.dedup.release(f"{key}:2", one) is False, "a token releases its own key only"
        assert store.dedup.check(f"{key}:2") == "claimed"
