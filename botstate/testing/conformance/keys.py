# ruff: noqa: S101
"""Keys: what is one, what is not, and that no two are taken for one."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase, refused

BAD_KEYS: dict[str, Any] = {
    "empty": "",
    "1,025 characters": "k" * 1025,
    "a lone surrogate": "a\ud800",
    "surrogates that look like a pair": "\ud83d\ude00",
    "None": None,
    "an int": 7,
    "bytes": b"key",
    "a list": ["key"],
}

#: Every method that takes a key, with arguments that are otherwise good.
CALLS: dict[str, Callable[[StateStore, Any], Any]] = {
    "kv.get": lambda store, key: store.kv.get(key),
    "kv.set": lambda store, key: store.kv.set(key, 1),
    "kv.delete": lambda store, key: store.kv.delete(key),
    "kv.consume": lambda store, key: store.kv.consume(key),
    "list.append": lambda store, key: store.list.append(key, 1),
    "list.range": lambda store, key: store.list.range(key),
    "list.trim": lambda store, key: store.list.trim(key, 1),
    "list.delete": lambda store, key: store.list.delete(key),
    "lock.acquire": lambda store, key: store.lock.acquire(key),
    "lock.hold": lambda store, key: store.lock.hold(key).__enter__(),
    "lock.release": lambda store, key: store.lock.release(key, "0" * 32),
    "lock.extend": lambda store, key: store.lock.extend(key, "0" * 32, 1),
    "lock.force_release": lambda store, key: store.lock.force_release(key),
    "dedup.seen": lambda store, key: store.dedup.seen(key, 1),
    "dedup.claim": lambda store, key: store.dedup.claim(key, 1),
    "dedup.commit": lambda store, key: store.dedup.commit(key, "0" * 32, 1),
    "dedup.release": lambda store, key: store.dedup.release(key, "0" * 32),
    "dedup.check": lambda store, key: store.dedup.check(key),
    "queue.enqueue": lambda store, key: store.queue.enqueue(key, 1),
    "queue.dequeue": lambda store, key: store.queue.dequeue(key),
    "queue.depth": lambda store, key: store.queue.depth(key),
    "queue.claim": lambda store, key: store.queue.claim(key, 1),
    "queue.ack": lambda store, key: store.queue.ack(key, "0" * 32),
    "queue.nack": lambda store, key: store.queue.nack(key, "0" * 32),
}


def distinct_keys(stem: str) -> list[str]:
    """Return keys that begin with `stem`, each unlike the others only in what some server ignores or rewrites."""
    ends = ["", " ", "  ", "\t", "\n", "\x00", "\x00\x00", "a", "A", "a ", "a\x00", "ß", "ss", "SS", "ẞ", "i", "İ", "ı"]
    ends += ["\u00e9", "e\u0301", "e", "\u212b", "\u00c5", "A\u030a", "\ufb01", "fi", "１", "1", "\u200b", "\ufeff"]
    ends += ["\U0001f600", "\U0001f601", "\uffff", "\\x00", "\\u00e9", "%", "%%", "_", "*", "?", ":", "::", "/", "{a}"]
    ends += ["'", '"', "\\", "`", ";--", "$1", "%s", "x" * 500, "x" * 501]
    return [stem + end for end in ends]


class KeyConformance(ConformanceBase):
    """A key is 1 to 1,024 characters of any text that UTF-8 can encode, compared exactly."""

    @pytest.mark.parametrize("bad", list(BAD_KEYS))
    def test_every_method_refuses_a_bad_key(self, store: StateStore, bad: str) -> None:
        for name, call in CALLS.items():
            said = refused(name, ValueError, call, store, BAD_KEYS[bad])
            bound = "UTF-8" if "surrogate" in bad else "1 to 1024 characters"
            assert bound in said.replace(",", ""), f"{name} must name the bound when it refuses a key ({bad}): {said}"

    def test_keys_of_1_and_of_1024_characters_are_accepted(self, store: StateStore, key: str) -> None:
        for good in ("k", "\x00", " ", "\U0001f600", key.ljust(1024, "k"), key.ljust(1024, "\U0001f600")):
            store.kv.set(good, len(good))
            store.list.delete(good)
            store.list.append(good, len(good))
            assert store.kv.consume(good) == len(good), f"kv must hold a key of {len(good)} characters: {good[-3:]!a}"
            assert store.list.range(good) == [len(good)], f"list must hold a key of {len(good)} characters"
            assert store.list.delete(good), "a list that was appended to can be deleted"

    def test_long_keys_that_differ_in_their_last_character_are_two(self, store: StateStore, key: str) -> None:
        one, other = key.ljust(1023, "k") + "1", key.ljust(1023, "k") + "2"
        store.kv.set(one, "one")
        store.kv.set(other, "other")
        assert store.kv.get(one) == "one", "a key must be compared to its last character"

    def test_kv_keys_are_compared_exactly(self, store: StateStore, key: str) -> None:
        keys = distinct_keys(key)
        for index, each in enumerate(keys):
            store.kv.set(each, index)
        got = {each: store.kv.get(each, "missing") for each in keys}
        assert got == {each: index for index, each in enumerate(keys)}, (
            "keys are neither normalised, padded nor folded: case, trailing spaces and U+0000 tell them apart"
        )

    def test_list_keys_are_compared_exactly(self, store: StateStore, key: str) -> None:
        keys = distinct_keys(key)
        for index, each in enumerate(keys):
            assert store.list.append(each, index) == 1, f"a list of another key must not be appended to: {each!a}"
        assert [store.list.range(each) for each in keys] == [[index] for index in range(len(keys))]

    def test_queue_keys_are_compared_exactly(self, store: StateStore, key: str) -> None:
        keys = distinct_keys(key)
        for index, each in enumerate(keys):
            assert store.queue.enqueue(each, index) == 1, f"a queue of another key must not be used: {each!a}"
        assert [store.queue.dequeue(each) for each in keys] == list(range(len(keys)))

    def test_lock_keys_are_compared_exactly(self, store: StateStore, key: str) -> None:
        for each in distinct_keys(key):
            lock = store.lock.acquire(each)
            assert lock is not None, f"a lock on another key must not keep this one from being taken: {each!a}"
            assert lock.key == each, "a Lock must carry its key as it was given"

    def test_dedup_keys_are_compared_exactly(self, store: StateStore, key: str) -> None:
        for each in distinct_keys(key):
            assert not store.dedup.seen(each, self.long), f"another key must not make this one seen: {each!a}"
