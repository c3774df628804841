# ruff: noqa: S101, PLR2004
"""Keyed stores: namespaces, keys and kinds that are never taken for one another."""

from botstate.contracts.stores import StateStore
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.testing.conformance.keyed_base import KeyedBase, Opener, keys_of, listed
from botstate.testing.conformance.keys import distinct_keys

#: Namespaces and keys that read alike when they are put together.
ALIKE = [("a", "b:c"), ("a:b", "c"), ("a", "b"), ("ab", ""), ("", "ab"), ("a\x00", "b"), ("a", "\x00b")]


class KeyedSeparationConformance(KeyedBase):
    """An entry is its own namespace's, key's and kind's."""

    def test_namespaces_and_keys_do_not_run_into_each_other(self, opened: Opener) -> None:
        for number, (namespace, key) in enumerate(ALIKE):
            assert opened(namespace).register_if_absent(f"{key}!", number), (
                "another namespace's key is no claim on this"
            )
        got = [opened(namespace).lookup(f"{key}!") for namespace, key in ALIKE]
        assert got == list(range(len(ALIKE))), "namespaces are apart, however their names and keys read together"
        assert opened("a").count() == 3, "a namespace lists its own entries"
        assert opened("a").clear() == 3, "clear removes its own namespace's entries"
        assert opened("ab").count() == opened("a:b").count() == opened("a\x00").count() == 1

    def test_namespaces_are_compared_exactly(self, key: str, opened: Opener) -> None:
        names = [name for name in distinct_keys("") if name and len(name) + len(key) <= 255]
        for number, name in enumerate(names):
            opened(name).register("key", number)
        assert [listed(opened(name)) for name in names] == [[["key", number]] for number in range(len(names))], (
            "namespaces are neither normalised, padded nor folded"
        )

    def test_a_namespace_may_have_1_to_255_characters(self, store: StateStore, key: str) -> None:
        for namespace in ("n", "\x00", key.ljust(255, "n"), key.ljust(255, "\U0001f600")):
            entries = open_keyed_store(namespace, store=store)
            entries.clear()
            entries.register("key", len(namespace))
            assert entries.consume("key") == len(namespace), f"a namespace may have {len(namespace)} characters"
        one, other = (open_keyed_store(key.ljust(254, "n") + end, store=store) for end in "12")
        one.register("key", 1)
        assert other.count() == 0, "a namespace is compared to its last character"

    def test_keys_are_compared_exactly(self, entries: KeyedStore) -> None:
        keys = distinct_keys("stem")
        for number, key in enumerate(keys):
            assert entries.register_if_absent(key, number), f"another key is no claim on this one: {key!a}"
        assert entries.lookup_many(keys, "missing") == list(range(len(keys))), (
            "keys are neither normalised, padded nor folded: case, trailing spaces and U+0000 tell them apart"
        )
        assert keys_of(entries) == keys, "keys come back as they were given"
        assert entries.delete("stem")
        assert entries.count() == len(keys) - 1, "delete must touch its own key only"

    def test_keys_of_1_and_of_1024_characters(self, entries: KeyedStore) -> None:
        keys = ["k", "\x00", " ", "\U0001f600", "k" * 1_024, "k" * 1_023 + "l", "\U0001f600" * 1_024]
        for key in keys:
            entries.register(key, len(key))
        assert entries.lookup_many(keys) == [len(key) for key in keys], "a key may have 1 to 1,024 characters"
        assert keys_of(entries) == keys, "and comes back as it was given"

    def test_retained_entries_are_apart(self, opened: Opener) -> None:
        retained, bounded = opened(retained=True), opened(max_entries=2)
        retained.register("key", "retained")
        assert bounded.register_if_absent("key", "bounded"), "a retained entry is no claim on one of the same namespace"
        for number in range(5):
            bounded.register(f"key {number}", number)
            retained.register(f"kept {number}", number)
        assert bounded.count() == 2, "retained entries take no room of others"
        assert retained.lookup("key") == "retained" and retained.count() == 6, "no bound reaches retained entries"
        assert bounded.clear() == 2, "clear removes entries of its own kind"
        assert retained.count() == 6
        assert retained.delete("key") and retained.consume("kept 0") == 0, "retained entries can be removed by hand"
        assert retained.clear() == 4

    def test_retained_entries_never_expire(self, store: StateStore, opened: Opener) -> None:
        retained = opened(retained=True)
        retained.register("a", 1)
        assert retained.register_if_absent("b", 1)
        retained.update("c", lambda had: 1)
        assert retained.compare_and_set("a", 1, 2)
        assert [entry.expires_at for entry in retained.entries()] == [None] * 3, "a retained entry has no expiry"
        self.advance(store, self.short)
        store.sweep()
        assert listed(retained) == [["b", 1], ["c", 1], ["a", 2]]

    def test_entries_are_apart_from_the_stores_facets(self, store: StateStore, key: str, opened: Opener) -> None:
        entries = opened()
        entries.register(key, "keyed")
        for used in (store.kv.get(key), store.kv.get("a"), store.list.range(key) or None):
            assert used is None, "an entry is no value of another facet"
        assert store.lock.acquire(key) is not None and store.queue.depth(key) == 0 and store.dedup.check(key) == "new"
        store.kv.set(key, "kv")
        store.kv.delete(key)
        assert entries.lookup(key) == "keyed", "no facet reaches an entry"
