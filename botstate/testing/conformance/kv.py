# ruff: noqa: S101, PLR2004
"""kv: one value per key."""

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase


class KvConformance(ConformanceBase):
    """get, set, delete and consume, and what has expired."""

    def test_get_of_a_key_never_set_gives_the_default(self, store: StateStore, key: str) -> None:
        assert store.kv.get(key) is None, "get without a default gives None"
        assert store.kv.get(key, 7) == 7, "get gives the default"

    def test_get_does_not_store_the_default(self, store: StateStore, key: str) -> None:
        store.kv.get(key, "default")
        assert store.kv.get(key) is None, "a default must not be stored"

    def test_set_replaces(self, store: StateStore, key: str) -> None:
        assert store.kv.set(key, "first") is None, "set returns nothing"
        store.kv.set(key, ["second"])
        assert store.kv.get(key) == ["second"], "set must replace the earlier value"

    def test_get_leaves_the_value(self, store: StateStore, key: str) -> None:
        store.kv.set(key, 1)
        assert [store.kv.get(key), store.kv.get(key)] == [1, 1], "get must not remove the value"

    def test_delete_says_whether_there_was_a_value(self, store: StateStore, key: str) -> None:
        assert store.kv.delete(key) is False, "delete of nothing is False"
        store.kv.set(key, None)
        assert store.kv.delete(key) is True, "delete of a value, even None, is True"
        assert store.kv.get(key, "gone") == "gone", "a deleted value is gone"
        assert store.kv.delete(key) is False, "a second delete is False"

    def test_consume_removes_what_it_returns(self, store: StateStore, key: str) -> None:
        store.kv.set(key, {"a": 1}, ttl=self.long)
        assert store.kv.consume(key) == {"a": 1}, "consume returns the value"
        assert store.kv.consume(key, "gone") == "gone", "a value can be consumed once"
        assert store.kv.get(key, "gone") == "gone", "a consumed value is gone"

    def test_keys_do_not_touch_each_other(self, store: StateStore, key: str) -> None:
        store.kv.set(f"{key}:1", 1)
        store.kv.set(f"{key}:2", 2)
        store.kv.delete(f"{key}:1")
        assert store.kv.get(f"{key}:2") == 2, "delete must touch its own key only"

    def test_an_expired_value_is_gone_for_every_method(self, store: StateStore, key: str) -> None:
        for name in ("get", "delete", "consume"):
            store.kv.set(f"{key}:{name}", 1, ttl=self.short)
        self.advance(store, self.short)
        assert store.kv.get(f"{key}:get", "gone") == "gone", "get must not return what has expired"
        assert store.kv.delete(f"{key}:delete") is False, "delete of what has expired is False"
        assert store.kv.consume(f"{key}:consume", "gone") == "gone", "consume must not return what has expired"

    def test_a_value_within_its_ttl_is_there(self, store: StateStore, key: str) -> None:
        store.kv.set(key, 1, ttl=self.long)
        self.advance(store, self.short)
        assert store.kv.get(key) == 1, "a value must not expire before its ttl"
        assert store.kv.consume(key) == 1, "consume must return what has not expired"

    def test_set_without_a_ttl_never_expires_whatever_the_earlier_one_did(self, store: StateStore, key: str) -> None:
        store.kv.set(key, "first", ttl=self.short)
        store.kv.set(key, "second")
        self.advance(store, self.short)
        assert store.kv.get(key) == "second", "set without a ttl must clear the earlier ttl"

    def test_set_with_a_ttl_replaces_the_earlier_ttl(self, store: StateStore, key: str) -> None:
        store.kv.set(f"{key}:longer", 1, ttl=self.short)
        store.kv.set(f"{key}:longer", 2, ttl=self.long)
        store.kv.set(f"{key}:shorter", 1)
        store.kv.set(f"{key}:shorter", 2, ttl=self.short)
        self.advance(store, self.short)
        assert store.kv.get(f"{key}:longer") == 2, "a later set's longer ttl must hold"
        assert store.kv.get(f"{key}:shorter", "gone") == "gone", "a later set's shorter ttl must hold"

    def test_reading_does_not_prolong(self, store: StateStore, key: str) -> None:
        store.kv.set(key, 1, ttl=self.short)
        self.advance(store, self.short / 2)
        store.kv.get(key)
        self.advance(store, self.short / 2)
        assert store.kv.get(key, "gone") == "gone", "get must not prolong the ttl"

    def test_nothing_comes_back_to_life(self, store: StateStore, key: str) -> None:
        store.kv.set(key, "old", ttl=self.short)
        self.advance(store, self.short)
        store.kv.set(key, "new")
        assert store.kv.get(key) == "new", "set after expiry stores the new value"
        self.advance(store, self.short)
        assert store.kv.get(key) == "new", "a value set after expiry must not inherit the expiry"
        store.kv.delete(key)
        assert store.kv.get(key, "gone") == "gone", "what was replaced must not come back"
