"""A Redis that answers with a refusal: it is full, has too few replicas, or holds what is not ours."""

from collections.abc import Callable

import pytest
from django_redis import get_redis_connection
from redis import exceptions

from botstate.exceptions import StoreError, StoreUnavailable, ValueUnreadable
from botstate.stores import RedisStore
from tests.stores.redis.calls import keyed
from tests.stores.redis.clock import advance
from tests.stores.redis.server import ALIAS, Server


def test_a_full_server_or_a_foreign_key_is_a_store_error(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    client = get_redis_connection(ALIAS)
    client.lpush(store.kv._key(store.kv._address("key")), "not ours")
    with pytest.raises(StoreError) as told:
        store.kv.get("key")
    assert not isinstance(told.value, StoreUnavailable)
    assert isinstance(told.value.__cause__, exceptions.ResponseError)
    assert "key" not in str(told.value), "an error names no key and no value"
    client.config_set("maxmemory", 1)
    for write in (lambda: store.kv.set("other", 1), lambda: store.queue.enqueue("key", 1)):
        with pytest.raises(StoreError) as told:
            write()
        assert not isinstance(told.value, StoreUnavailable)
    client.config_set("maxmemory", 0)
    store.kv.set("other", 1)


def test_a_full_server_lets_go_of_what_it_holds(own_server: Server) -> None:
    """noeviction, as the docs want it: without this, what is full stays so, and locks are held to their ends."""
    store = RedisStore(ALIAS)
    store.kv.set("key", 1)
    store.list.append("key", 1)
    for number in range(4):
        store.queue.enqueue("key", number)
    first, second = store.queue.claim("key", 60), store.queue.claim("key", 60)
    lock, other = store.lock.acquire("key"), store.lock.acquire("other")
    done, failed = store.dedup.claim("done", 60), store.dedup.claim("failed", 60)
    keyed(store).register("key", 1)
    assert first and second and lock and other and done and failed
    client = get_redis_connection(ALIAS)
    client.config_set("maxmemory", 1)
    for _ in range(2):
        assert store.lock.extend("key", lock.token, 60) is True
        # A server that was restarted, or whose scripts were flushed, is told them again.
        client.script_flush()
    assert store.lock.release("key", lock.token) is True
    assert store.lock.force_release("other") is True
    assert store.dedup.commit("done", done, 60) is True
    assert store.dedup.release("failed", failed) is True
    assert store.queue.nack("key", second.token) is True
    assert store.queue.ack("key", first.token) is True
    third = store.queue.claim("key", 60)
    assert third is not None and store.queue.ack("key", third.token), "who claims empties the queue too"
    assert [store.queue.dequeue("key") for _ in range(3)] == [2, 3, None]
    assert store.kv.consume("key") == 1
    assert store.list.delete("key") is True
    assert keyed(store).consume("key") == 1
    with pytest.raises(StoreError):
        store.lock.acquire("new")


def test_an_item_whose_claim_lapsed_leaves_a_full_server(own_server: Server) -> None:
    store = RedisStore(ALIAS, namespace="lapsed")
    store.queue.enqueue("key", "item")
    assert store.queue.claim("key", 60)
    advance("lapsed", 60)
    get_redis_connection(ALIAS).config_set("maxmemory", 1)
    assert store.queue.dequeue("key") == "item"


@pytest.mark.parametrize("decode", [False, True])
def test_bytes_that_are_not_ours_are_a_store_error(
    own_server: Server, use_redis: Callable[..., None], decode: bool
) -> None:
    store = RedisStore(ALIAS)
    client = get_redis_connection(ALIAS)
    foreign = b'"\xe9"'
    client.set(store.kv._key(store.kv._address("key")), foreign)
    client.rpush(store.list._key(store.list._address("key")), foreign)
    client.rpush(store.queue._key(store.queue._address("key")), foreign)
    if decode:
        use_redis(f"{own_server.url}?decodes=", CONNECTION_POOL_KWARGS={"decode_responses": True})
    for read in (store.kv.get, store.list.range, store.queue.dequeue, store.kv.consume):
        with pytest.raises(StoreError) as told:
            read("key")
        assert not isinstance(told.value, StoreUnavailable)
        # A list is decoded with its values, whose errors are not shown, for they hold what was stored.
        assert isinstance(told.value, ValueUnreadable) or isinstance(told.value.__cause__, UnicodeDecodeError)
    store.kv.set("key", "ours")
    assert store.kv.get("key") == "ours", "the connection can still be used"


def test_too_few_replicas_are_store_unavailable(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    token = store.dedup.claim("key", 60)
    assert token is not None
    client = get_redis_connection(ALIAS)
    client.config_set("min-replicas-to-write", 1)
    for write in (
        lambda: store.kv.set("key", 1),
        lambda: store.lock.acquire("key"),
        lambda: store.dedup.commit("key", token, 60),
    ):
        with pytest.raises(StoreUnavailable, match="replicas"):
            write()
    client.config_set("min-replicas-to-write", 0)
    assert store.dedup.commit("key", token, 60) is True
