"""Where Redis does not answer, everything here is skipped and says so; with CI=true it runs, and fails."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from botstate.stores import RedisStore
from tests.stores.redis.server import ALIAS, DATABASE, REDIS_URL, Server, cache_at, clean, disconnect, problem

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        # Nothing here touches the database.
        item.add_marker(pytest.mark.once)
    if not ours or os.environ.get("CI") == "true":
        return
    why = problem()
    if why is not None:
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def use_redis(settings: Any) -> Iterator[Callable[..., None]]:
    """Point the tests' alias at a URL."""

    def use(url: str, **options: Any) -> None:
        if ALIAS in settings.CACHES:
            disconnect()
        settings.CACHES = settings.CACHES | {ALIAS: cache_at(url, **options)}

    use(f"{REDIS_URL}/{DATABASE}")
    yield use
    disconnect()


@pytest.fixture
def namespace(use_redis: Callable[..., None]) -> Iterator[str]:
    """A namespace that is empty before and after."""
    name = f"test-{uuid4().hex}"
    yield name
    clean(name)


@pytest.fixture
def store(namespace: str) -> RedisStore:
    return RedisStore(ALIAS, namespace=namespace)


@pytest.fixture
def own_server(tmp_path: Path, use_redis: Callable[..., None]) -> Iterator[Server]:
    """A Redis without persistence that only this test has, and that the tests' alias names."""
    yield from _served(Server(tmp_path, "--save", "", "--appendonly", "no"), use_redis)


@pytest.fixture
def durable_server(tmp_path: Path, use_redis: Callable[..., None]) -> Iterator[Server]:
    """A Redis of this test's own that writes each command to its disk before it answers."""
    yield from _served(Server(tmp_path, "--save", "", "--appendonly", "yes", "--appendfsync", "always"), use_redis)


def _served(server: Server, use_redis: Callable[..., None]) -> Iterator[Server]:
    try:
        server.start()
        use_redis(server.url)
        yield server
        disconnect()
    finally:
        server.kill()
