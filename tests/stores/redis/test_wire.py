"""What RedisStore sends: one round trip per primitive, keys of one slot, nothing left behind."""

from collections.abc import Callable
from typing import Any

import pytest
from django_redis import get_redis_connection
from redis.crc import key_slot

from botstate.contracts.queues import OnFull
from botstate.stores import RedisStore
from botstate.stores.redis.link import RedisLink
from tests.stores.ports import free_port
from tests.stores.redis.calls import CALLS, leases
from tests.stores.redis.monitor import monitored
from tests.stores.redis.server import ALIAS, REDIS_URL, Server, keys_of
from tests.stores.waiting import until

NAMES = ["", "a:b", "{x}y", "}{", "\x00", "é\n", "n" * 255]


def test_every_primitive_is_one_round_trip(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    for _ in range(2):
        # Once so that the connection is open and the scripts are loaded.
        for call in CALLS.values():
            call(store)
        for _, call_with_token, _ in leases(store):
            call_with_token()
        get_redis_connection(ALIAS).flushdb()
    with monitored(own_server) as sent:
        for name, call in CALLS.items():
            sent()
            call(store)
            assert len(sent()) == 1, f"{name} must be one command"
        for name, call_with_token, expected in leases(store):
            sent()
            assert call_with_token() == expected, name
            assert len(sent()) == 1, f"{name} must be one command"


def test_a_script_is_sent_once_and_then_named(own_server: Server) -> None:
    with monitored(own_server) as sent:
        for _ in range(2):
            store = RedisStore(ALIAS)
            for value in range(5):
                store.queue.enqueue("key", value)
            store.close()
        verbs = [command.split()[0] for command in sent()]
        assert verbs.count("EVALSHA") == 10
        assert verbs.count("EVAL") == 1, "the text goes to the server once, its name after that"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The keys of each script that is run."""
    seen: list[list[str]] = []
    run = RedisLink.run

    def record(self: RedisLink, lua: str, keys: list[str], *arguments: Any) -> Any:
        seen.append(keys)
        return run(self, lua, keys, *arguments)

    monkeypatch.setattr(RedisLink, "run", record)
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_the_keys_of_one_script_are_in_one_slot(own_server: Server, scripts: list[list[str]], name: str) -> None:
    store = RedisStore(ALIAS, namespace=name)
    for key in ["key", "{", "}", "{}", "a{b}c", "\x00"]:
        assert store.queue.enqueue(key, 1) == 1
        assert store.queue.claim(key, 60)
        assert store.lock.acquire(key)
    assert {len(keys) for keys in scripts} == {1, 3}
    for keys in scripts:
        assert len({key_slot(key.encode()) for key in keys}) == 1
    tags = {keys[0].partition("{")[2].partition("}")[0] for keys in scripts}
    assert len(tags) == 12 and all(len(tag) == 32 for tag in tags), "each address has a tag of its own, its digest"
    stored = get_redis_connection(ALIAS).keys("*")
    assert all(key.startswith(b"botstate:") and key.isascii() and key.decode().isprintable() for key in stored)


def test_a_server_in_cluster_mode_serves_every_primitive(tmp_path: Any, use_redis: Callable[..., None]) -> None:
    server = Server(tmp_path, "--save", "", "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    try:
        server.start()
        use_redis(server.url)
        client = get_redis_connection(ALIAS)
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"), "the cluster is up")
        store = RedisStore(ALIAS, namespace="{x}")
        for call in CALLS.values():
            call(store)
        for name, call_with_token, expected in leases(store):
            assert call_with_token() == expected, name
    finally:
        server.kill()


def test_nothing_is_left_behind(store: RedisStore, namespace: str) -> None:
    for number in range(4):
        store.list.append("key", number, ttl="1h")
        store.queue.enqueue("key", number, ttl="1h")
    first, second = store.queue.claim("key", "1h"), store.queue.claim("key", "1h")
    assert first is not None and second is not None
    client = get_redis_connection(ALIAS)
    ends = {client.pexpiretime(key) for key in keys_of(namespace) if b":queue:" in key}
    assert len(keys_of(namespace)) == 4 and len(ends) == 1, "the keys of a queue expire in the same millisecond"
    store.queue.ack("key", first.token)
    store.queue.nack("key", second.token)
    for _ in range(3):
        store.queue.dequeue("key")
    store.list.trim("key", 0)
    store.kv.set("key", 1)
    store.kv.consume("key")
    token = store.dedup.claim("key", 60)
    assert token is not None and store.dedup.release("key", token)
    assert keys_of(namespace) == []


def test_the_expiry_of_a_queue_goes_with_its_items(store: RedisStore, namespace: str) -> None:
    store.queue.enqueue("key", 0, ttl="1h")
    claim = store.queue.claim("key", "10h")
    store.queue.enqueue("key", 1)
    client = get_redis_connection(ALIAS)
    ends = {client.pexpiretime(key) for key in keys_of(namespace)}
    assert len(ends) == 1 and ends.pop() > 0, "what is enqueued while all is claimed has the queue's expiry"
    store.queue.enqueue("key", 2, ttl="2h")
    assert len({client.pexpiretime(key) for key in keys_of(namespace)}) == 1
    assert claim is not None and store.queue.nack("key", claim.token)
    assert [store.queue.dequeue("key") for _ in range(4)] == [0, 1, 2, None]


def test_a_free_lock_is_kept_for_a_day(store: RedisStore, namespace: str) -> None:
    lock = store.lock.acquire("key", ttl="36500d")
    assert lock is not None and store.lock.release("key", lock.token)
    client = get_redis_connection(ALIAS)
    (key,) = keys_of(namespace)
    assert 86_300_000 < client.pttl(key) <= 86_400_000
    again = store.lock.acquire("key", ttl="1h")
    assert again is not None and again.fence == lock.fence + 1
    assert 3_500_000 < client.pttl(key) - 86_400_000 <= 3_600_000
    assert store.lock.extend("key", again.token, ttl="36500d")
    assert client.pttl(key) > 36_500 * 86_400_000, "however long it is held, its key outlives the lease"
    assert store.lock.extend("key", again.token, ttl="2h")
    assert 7_100_000 < client.pttl(key) - 86_400_000 <= 7_200_000
    client.delete(key)
    fresh = store.lock.acquire("key")
    seconds, microseconds = client.time()
    assert fresh is not None and again.fence < fresh.fence <= seconds * 1_000_000 + microseconds


def test_an_expiry_is_never_late(store: RedisStore, namespace: str) -> None:
    client = get_redis_connection(ALIAS)
    for _ in range(50):
        store.kv.set("key", 1, ttl="7ms")
        set_at = in_microseconds(client.time())
        while True:
            asked_at = in_microseconds(client.time())
            if store.kv.get("key") is None:
                break
            assert asked_at - set_at < 7_000, "a value must be gone once its ttl has passed since it was set"


def in_microseconds(time: tuple[int, int]) -> int:
    return time[0] * 1_000_000 + time[1]


def test_namespaces_are_apart(store: RedisStore, namespace: str) -> None:
    # Begins like the fixture's, so that it is cleaned with it.
    other = RedisStore(ALIAS, namespace=f"{namespace}:other")
    store.kv.set("key", 1)
    assert other.kv.get("key") is None
    assert other.lock.acquire("key") and store.lock.acquire("key")


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_client_may_decode_or_not_and_speak_either_protocol(
    use_redis: Callable[..., None], namespace: str, decode: bool, protocol: int
) -> None:
    # django-redis keeps one pool for each URL, so each case has its own.
    kwargs = {"decode_responses": decode, "protocol": protocol}
    use_redis(f"{REDIS_URL}/9?x{protocol}{decode}=", CONNECTION_POOL_KWARGS=kwargs)
    store = RedisStore(ALIAS, namespace=namespace)
    assert isinstance(get_redis_connection(ALIAS).echo("text"), str if decode else bytes)
    for call in CALLS.values():
        call(store)
    for name, call_with_token, expected in leases(store):
        assert call_with_token() == expected, name
    store.kv.set("value", ["\x00", "é", 2**70])
    store.list.append("value", 1.0)
    assert [store.kv.get("value"), store.list.range("value")] == [["\x00", "é", 2**70], [1.0]]
    assert [store.dedup.check("key"), store.dedup.check("never")] == ["done", "new"]


def test_an_evicted_half_of_a_queue_breaks_nothing(store: RedisStore, namespace: str) -> None:
    for number in range(3):
        store.queue.enqueue("key", number)
    store.queue.claim("key", 60)
    client = get_redis_connection(ALIAS)
    client.delete(*[key for key in keys_of(namespace) if key.endswith(b":items")])
    claim = store.queue.claim("key", 60)
    assert claim is not None and claim.value == 1
    client.delete(*[key for key in keys_of(namespace) if key.endswith(b":claims")])
    assert store.queue.ack("key", claim.token) is False
    assert [store.queue.dequeue("key", "empty") for _ in range(2)] == [2, "empty"]


@pytest.mark.parametrize("take", ["dequeue", "claim"])
def test_an_item_that_was_returned_and_evicted_hides_none(store: RedisStore, namespace: str, take: str) -> None:
    for number in range(3):
        store.queue.enqueue("key", number)
    claim = store.queue.claim("key", 60)
    assert claim is not None and store.queue.nack("key", claim.token)
    get_redis_connection(ALIAS).delete(*[key for key in keys_of(namespace) if key.endswith(b":items")])
    if take == "dequeue":
        assert store.queue.dequeue("key") == 1
    else:
        taken = store.queue.claim("key", 60)
        assert taken is not None and (taken.value, taken.attempt) == (1, 1)
        assert store.queue.ack("key", taken.token)
    assert store.queue.depth("key") == 1
    assert [store.queue.dequeue("key", "empty") for _ in range(2)] == [2, "empty"]


@pytest.mark.parametrize(
    ("on_full", "max_size", "left"),
    [
        ("drop-newest", 4, [0, 1, 2, 3]),
        ("drop-newest", 1, [0]),
        ("drop-oldest", 4, [1, 2, 3, "new"]),
        ("drop-oldest", 2, [3, "new"]),
        ("drop-oldest", 1, ["new"]),
    ],
)
def test_a_full_queue_counts_returned_items_by_their_place(
    store: RedisStore, on_full: OnFull, max_size: int, left: list[Any]
) -> None:
    for number in range(4):
        store.queue.enqueue("key", number)
    claims = [store.queue.claim("key", 60) for _ in range(2)]
    for claim in reversed(claims):
        assert claim is not None and store.queue.nack("key", claim.token)
    assert store.queue.enqueue("key", "new", max_size, on_full) == max_size
    assert [store.queue.dequeue("key", "empty") for _ in range(max_size + 1)] == [*left, "empty"]
