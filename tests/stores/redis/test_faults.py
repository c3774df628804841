"""A Redis that is away, slow, restarted or flushed: StoreUnavailable with its cause, soon, and recovery by itself."""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django_redis import get_redis_connection
from redis import exceptions

from botstate.contracts.facet import new_token
from botstate.exceptions import BotStateMisconfigured, StoreUnavailable
from botstate.stores import RedisStore, stores
from tests.stores.ports import free_port
from tests.stores.redis.calls import CALLS
from tests.stores.redis.server import ALIAS, Server
from tests.stores.waiting import until

WITHIN_S = 5


def assert_unavailable(store: RedisStore) -> None:
    for name, call in CALLS.items():
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as told:
            call(store)
        assert isinstance(told.value.__cause__, redis.RedisError), f"{name}: the cause is the driver's error"
        assert time.monotonic() - begun < WITHIN_S, f"{name}: it comes within a bounded time"


def test_a_store_can_be_made_while_redis_is_away(use_redis: Callable[..., None]) -> None:
    use_redis(f"redis://127.0.0.1:{free_port()}/0")
    store = RedisStore(ALIAS)
    assert_unavailable(store)
    assert set(store.sweep().values()) == {0}
    store.close()


def test_a_redis_that_goes_and_comes(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    for value in range(2):
        for call in CALLS.values():
            call(store)
        own_server.stop()
        assert_unavailable(store)
        own_server.start()
        assert store.lock.acquire(f"lock {value}"), "the first call after the restart succeeds"
        store.kv.set("key", value)
        assert store.kv.get("key") == value


def test_a_restart_between_two_calls_is_not_even_noticed(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    store.queue.enqueue("key", "lost")
    own_server.kill()
    own_server.start()
    assert store.queue.enqueue("key", "kept") == 1, "without persistence all is gone, the scripts too"
    assert store.queue.dequeue("key") == "kept"


def test_fences_grow_over_a_restart_that_lost_everything(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    fences = []
    for _ in range(3):
        for _ in range(3):
            lock = store.lock.acquire("key")
            assert lock is not None and store.lock.release("key", lock.token)
            fences.append(lock.fence)
        own_server.kill()
        own_server.start()
    assert fences == sorted(set(fences))


def test_what_was_acknowledged_survives_kill_9_with_an_append_only_file(durable_server: Server) -> None:
    store = RedisStore(ALIAS)
    store.kv.set("key", {"b": 1, "a": "\x00"}, ttl="1h")
    for number in range(5):
        store.list.append("key", number, max_len=3)
        store.queue.enqueue("key", number)
    claim = store.queue.claim("key", "1h")
    lock = store.lock.acquire("key", ttl="1h")
    token = store.dedup.claim("key", "1h")
    store.dedup.seen("seen", "1h")
    durable_server.kill()
    with pytest.raises(StoreUnavailable):
        store.kv.get("key")
    durable_server.start()
    assert store.kv.get("key") == {"b": 1, "a": "\x00"}
    assert 3_590_000 < get_redis_connection(ALIAS).pttl(store.kv._key(store.kv._address("key"))) <= 3_600_000
    assert store.list.range("key") == [2, 3, 4]
    assert store.queue.depth("key") == 5
    assert claim is not None and store.queue.ack("key", claim.token)
    assert store.queue.dequeue("key") == 1
    assert store.lock.acquire("key") is None
    assert lock is not None and store.lock.release("key", lock.token)
    assert token is not None and store.dedup.commit("key", token, "1h")
    assert store.dedup.seen("seen", "1h")


def test_a_server_that_hangs_is_unavailable_in_time_and_its_late_answers_reach_nobody(
    own_server: Server, use_redis: Callable[..., None]
) -> None:
    use_redis(f"{own_server.url}?hangs=", SOCKET_TIMEOUT=0.1, SOCKET_CONNECT_TIMEOUT=0.1)
    store = RedisStore(ALIAS)
    store.kv.set("key", "before")
    own_server.pause(signal.SIGSTOP)
    try:
        assert_unavailable(store)
    finally:
        own_server.pause(signal.SIGCONT)
    store.kv.set("key", "after")
    assert [store.kv.get("key") for _ in range(20)] == ["after"] * 20
    assert store.kv.get("never", "default") == "default"


def test_scripts_survive_a_flush(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    client = get_redis_connection(ALIAS)
    for value in range(3):
        assert store.queue.enqueue("key", value) == value + 1
        client.script_flush()
    assert [store.queue.dequeue("key") for _ in range(4)] == [0, 1, 2, None]


def test_scripts_survive_being_flushed_all_the_time(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    done = threading.Event()

    def flush() -> None:
        client = redis.Redis.from_url(own_server.url)
        while not done.is_set():
            client.script_flush()
        client.close()

    def work(racer: int) -> None:
        for number in range(200):
            store.queue.enqueue("key", [racer, number])

    with ThreadPoolExecutor(5) as pool:
        flushing = pool.submit(flush)
        try:
            for each in [pool.submit(work, racer) for racer in range(4)]:
                each.result()
        finally:
            done.set()
        flushing.result()
    assert store.queue.depth("key") == 800, "nothing is lost and nothing done twice"


def test_a_server_that_became_a_replica_is_unavailable_until_it_is_a_primary_again(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    store.kv.set("key", 1)
    client = redis.Redis.from_url(own_server.url)
    client.replicaof("127.0.0.1", free_port())
    for write in (
        lambda: store.kv.set("key", 2),
        lambda: store.queue.enqueue("key", 2),
        lambda: store.lock.acquire("k"),
    ):
        with pytest.raises(StoreUnavailable):
            write()
    client.replicaof("NO", "ONE")
    client.close()
    assert store.kv.get("key") == 1
    assert store.queue.enqueue("key", 2) == 1


def is_busy(client: redis.Redis) -> bool:
    try:
        client.ping()
    except exceptions.ResponseError:
        return True
    return False


def test_a_server_that_is_busy_with_a_script_is_unavailable(own_server: Server) -> None:
    store = RedisStore(ALIAS)
    client = redis.Redis.from_url(own_server.url)
    client.config_set("busy-reply-threshold", 1)
    store.kv.set("key", 1)

    def block() -> None:
        with redis.Redis.from_url(own_server.url) as blocker, pytest.raises(exceptions.ResponseError):
            blocker.eval("while true do end", 0)

    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(block)
        try:
            until(lambda: is_busy(client), "the server is busy")
            with pytest.raises(StoreUnavailable, match="busy"):
                store.kv.get("key")
        finally:
            client.script_kill()
        blocked.result()
    client.close()
    assert store.kv.get("key") == 1


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionError(),
        exceptions.TimeoutError(),
        exceptions.BusyLoadingError(),
        exceptions.MaxConnectionsError(),
        exceptions.ClusterDownError("CLUSTERDOWN"),
        exceptions.MasterDownError("MASTERDOWN"),
        exceptions.ReadOnlyError(),
        exceptions.TryAgainError(),
        exceptions.ResponseError("BUSY Redis is busy running a script"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_is_store_unavailable(store: RedisStore, error: Exception) -> None:
    def fail(client: Any) -> None:
        raise error

    with pytest.raises(StoreUnavailable) as told:
        store._link.call(fail)
    assert told.value.__cause__ is error


def test_nothing_is_sent_twice(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose answer was lost was carried out, once."""
    store = RedisStore(ALIAS)
    store.queue.enqueue("key", 1)
    connection = get_redis_connection(ALIAS).connection_pool.connection_class

    def lose(self: Any, *args: Any, **kwargs: Any) -> None:
        assert self._parser.can_read(WITHIN_S), "the server has answered"
        raise exceptions.TimeoutError("lost")

    for call in (lambda: store.queue.enqueue("key", 2), lambda: store.dedup.seen("key", 60)):
        # With a connection that is open, so that the command itself is the first to be answered.
        store.kv.get("key")
        with monkeypatch.context() as lost, pytest.raises(StoreUnavailable):
            lost.setattr(connection, "read_response", lose)
            call()
    assert store.queue.depth("key") == 2
    assert store.dedup.seen("key", 60) is True


def test_the_hosts_clock_decides_nothing(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = store.lock.acquire("key", ttl=60)
    store.kv.set("key", 1, ttl=60)
    now = time.time()
    with monkeypatch.context() as late:
        late.setattr(time, "time", lambda: now + 3600)
        late.setattr(time, "time_ns", lambda: int((now + 3600) * 1e9))
        assert store.lock.acquire("key") is None
        assert store.kv.get("key") == 1
        other = store.lock.acquire("other", ttl=60)
    assert lock is not None and other is not None
    assert abs((other.expires_at - lock.expires_at).total_seconds()) < 30


LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
DJANGO = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:6379"}
BAD_URL = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "http://127.0.0.1"}
NO_URL = {"BACKEND": "django_redis.cache.RedisCache"}
NO_CLASS = {**BAD_URL, "OPTIONS": {"CLIENT_CLASS": "no.such.Class"}}


@pytest.mark.parametrize("cache", [LOCMEM, DJANGO, BAD_URL, NO_URL, NO_CLASS], ids=str)
def test_what_is_no_django_redis_alias_is_misconfigured(settings: Any, cache: dict[str, Any]) -> None:
    settings.CACHES = {"default": LOCMEM, ALIAS: cache}
    settings.BOTSTATE = {
        **settings.BOTSTATE,
        "STORES": {"default": {"BACKEND": "botstate.stores.RedisStore", "OPTIONS": {"cache": ALIAS}}},
    }
    with pytest.raises(BotStateMisconfigured, match=ALIAS):
        RedisStore(ALIAS)
    with pytest.raises(ImproperlyConfigured):
        stores["default"]


@pytest.mark.parametrize("alias", ["no such alias", "", None, 7])
def test_an_unknown_alias_is_misconfigured(alias: Any) -> None:
    with pytest.raises(BotStateMisconfigured):
        RedisStore(alias)


@pytest.mark.parametrize("options", [{"max_value_bytes": 0}, {"namespace": "n" * 256}, {"namespace": 7}])
def test_bad_options_are_refused(use_redis: Callable[..., None], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        RedisStore(ALIAS, **options)


def test_the_store_of_the_settings(settings: Any, use_redis: Callable[..., None], namespace: str) -> None:
    settings.BOTSTATE = {
        **settings.BOTSTATE,
        "STORES": {
            "default": {"BACKEND": "botstate.stores.MemoryStore"},
            "redis": {
                "BACKEND": "botstate.stores.RedisStore",
                "OPTIONS": {"cache": ALIAS, "namespace": namespace, "max_value_bytes": 10},
            },
        },
    }
    stores["redis"].kv.set("key", "in redis")
    stores["default"].kv.set("key", "in memory")
    assert [stores[alias].kv.get("key") for alias in ("redis", "default")] == ["in redis", "in memory"]
    with pytest.raises(ValueError, match="10 bytes"):
        stores["redis"].kv.set("key", new_token())


def test_a_store_follows_the_settings(own_server: Server, use_redis: Callable[..., None], namespace: str) -> None:
    store = RedisStore(ALIAS)
    store.kv.set("key", "here")
    use_redis(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreUnavailable):
        store.kv.get("key")
    use_redis(own_server.url)
    assert store.kv.get("key") == "here"
