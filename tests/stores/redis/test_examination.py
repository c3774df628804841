"""What RedisStore.examine finds wrong with a server, for `botstate_doctor`."""

import time
from collections.abc import Callable

import pytest
from django_redis import get_redis_connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from botstate.exceptions import StoreUnavailable
from botstate.stores import RedisStore
from tests.stores.redis.server import ALIAS, Server


def test_a_server_that_persists_and_does_not_evict_is_well(durable_server: Server) -> None:
    assert RedisStore(ALIAS).examine() == []


def test_a_server_without_persistence_is_told(own_server: Server) -> None:
    (line,) = RedisStore(ALIAS).examine()
    assert "append-only" in line and ALIAS in line


def test_a_server_that_evicts_is_told(durable_server: Server) -> None:
    client = get_redis_connection(ALIAS)
    client.config_set("maxmemory-policy", "allkeys-lru")
    assert RedisStore(ALIAS).examine() == [], "without a bound nothing is evicted"
    client.config_set("maxmemory", "100mb")
    (line,) = RedisStore(ALIAS).examine()
    assert "allkeys-lru" in line


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_off_is_told(durable_server: Server, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    (line,) = RedisStore(ALIAS).examine()
    assert "clock" in line


def test_retries_are_told(durable_server: Server, use_redis: Callable[..., None]) -> None:
    use_redis(f"{durable_server.url}?retries=", CONNECTION_POOL_KWARGS={"retry": Retry(NoBackoff(), 3)})
    (line,) = RedisStore(ALIAS).examine()
    assert "again" in line


def test_a_server_that_is_away_is_store_unavailable(own_server: Server) -> None:
    own_server.stop()
    with pytest.raises(StoreUnavailable):
        RedisStore(ALIAS).examine()
