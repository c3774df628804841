"""Keys of keyed entries in Redis: exact, in the order of their code points, whatever the client does, in one slot."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from botstate.keyed import open_keyed_store
from botstate.stores import RedisStore
from botstate.stores.redis.link import RedisLink
from botstate.stores.redis.ordered_text import ordered, unordered
from tests.stores.redis.server import ALIAS, REDIS_URL, Server, keys_of

#: By their code points.
KEYS = sorted([
    "\x00", "\x00\x00", "\x01", "\n", " ", " a", "!", "!00", '"', "a", "a\x00", "a ", "a!", "ab", "a{b}", "a|", "a}",
    "a~", "a\x7f", "a\x80", "aé", "x" * 1_024, "{", "{}", "|", "}", "}{", "~", "~7f", "\x7f", "\x80", "é" * 1_024,
    "\u2028", "\uffff", "\U0001f600", "\U0001f600~", "\U0001f600" * 1_024, "\U0010ffff" * 1_024,
])  # fmt: skip


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(st.text(), max_size=5))
def test_ordered_text_is_ascii_and_keeps_the_order(texts: list[str]) -> None:
    escaped = [ordered(text) for text in texts]
    assert [unordered(each) for each in escaped] == texts
    assert [unordered(each) for each in sorted(escaped)] == sorted(texts)
    assert all(each.isascii() and each.isprintable() and " " not in each for each in escaped)


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_keys_are_exact_and_in_order(
    use_redis: Callable[..., None], namespace: str, decode: bool, protocol: int
) -> None:
    # django-redis keeps one pool for each URL, so each case has its own.
    kwargs = {"decode_responses": decode, "protocol": protocol}
    use_redis(f"{REDIS_URL}/9?keyed{protocol}{decode}=", CONNECTION_POOL_KWARGS=kwargs)
    collection = open_keyed_store("n", store=RedisStore(ALIAS, namespace=namespace))
    for key in reversed(KEYS):
        collection.register(key, {"é": key}, ttl=60 if len(key) % 2 else None)
    assert [entry.key for entry in collection.entries()] == KEYS[::-1]
    listed = collection.entries_in_range()
    assert [entry.key for entry in listed] == KEYS
    assert [entry.value for entry in listed] == [{"é": key} for key in KEYS]
    assert {entry.expires_at and entry.expires_at - entry.created_at for entry in listed} == {
        None,
        timedelta(minutes=1),
    }
    for number, key in enumerate(KEYS):
        assert [entry.key for entry in collection.entries_in_range(key, limit=3)] == KEYS[number : number + 3]
        after = collection.entries_in_range(f"{key}\0", limit=1)
        assert [entry.key for entry in after] == KEYS[number + 1 : number + 2]
        before = collection.entries_in_range(end=key, order="desc", limit=2)
        assert [entry.key for entry in before] == KEYS[max(0, number - 2) : number][::-1]
    assert collection.lookup_many(KEYS) == [{"é": key} for key in KEYS]
    for key in KEYS:
        found = collection.lookup_entry(key)
        assert found is not None and (found.key, found.value) == (key, {"é": key})
        assert collection.register_if_absent(key, 1) is False
        assert collection.compare_and_set(key, {"é": key}, [key])
        assert collection.delete_if(key, {"é": key}) is False
        assert collection.update(key, lambda value: [*value, 1]) == [key, 1]
        assert collection.consume(key) == [key, 1]
        assert collection.lookup(key, "missing") == "missing"
    assert keys_of(namespace) == []


@pytest.mark.parametrize("name", ["", "{x}y", "}{", "\x00", "é\n"])
def test_the_keys_of_a_collection_are_in_one_slot(
    own_server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seen: list[list[str]] = []
    run = RedisLink.run

    def record(self: RedisLink, lua: str, keys: list[str], *arguments: Any) -> Any:
        seen.append(keys)
        return run(self, lua, keys, *arguments)

    monkeypatch.setattr(RedisLink, "run", record)
    store = RedisStore(ALIAS, namespace=name)
    for namespace in ["n", "{", "}", "{}", "a{b}c", "\x00"]:
        for retained in (False, True):
            collection = open_keyed_store(namespace, store=store, retained=retained)
            for key in ("key", "{a}{b}"):
                collection.register(key, 1)
                collection.consume(key)
            collection.entries_in_range()
    assert {len(keys) for keys in seen} == {4}
    assert all(len({key_slot(key.encode()) for key in keys}) == 1 for keys in seen)
    tags = {keys[0].partition("{")[2].partition("}")[0] for keys in seen}
    assert len(tags) == 12 and all(len(tag) == 32 for tag in tags)
    assert all(key.startswith("botstate:") and key.isascii() and key.isprintable() for keys in seen for key in keys)
