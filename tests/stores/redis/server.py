"""A Redis of a test's own, and the tests' way to the shared one."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import redis
from django_redis import get_redis_connection

from botstate.stores.redis.facet import key_prefix
from tests.stores.ports import free_port

REDIS_URL = os.environ.get("BOTSTATE_TEST_REDIS_URL", "redis://127.0.0.1:6379")
#: The number of the database in which the tests write, each under a namespace of its own.
DATABASE = 9
ALIAS = "botstate-tests"
DEADLINE_S = 20


def cache_at(url: str, **options: Any) -> dict[str, Any]:
    """Return an entry of CACHES."""
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "OPTIONS": options}


def problem() -> str | None:
    """Return None if the shared Redis answers, else why it does not."""
    if shutil.which("redis-server") is None:
        return "there is no redis-server to start"
    client = redis.Redis.from_url(REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        client.ping()
    except redis.RedisError as error:
        return f"Redis does not answer at BOTSTATE_TEST_REDIS_URL, {REDIS_URL}: {error}"
    finally:
        client.close()
    return None


def keys_of(namespace: str) -> list[bytes]:
    """Return the namespace's keys."""
    return list(get_redis_connection(ALIAS).scan_iter(match=f"{key_prefix(namespace)}*", count=1_000))


def clean(namespace: str) -> None:
    """Delete the namespace's keys."""
    keys = keys_of(namespace)
    if keys:
        get_redis_connection(ALIAS).delete(*keys)


def disconnect() -> None:
    """Close every connection of the tests' alias; the pools of django-redis outlive its settings."""
    get_redis_connection(ALIAS).connection_pool.disconnect()


class Server:
    """A redis-server on a port of its own, with its files in `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = ["redis-server", "--port", str(self.port), "--dir", str(folder), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + DEADLINE_S
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    assert self._process.poll() is None, "redis-server ended"
                    assert time.monotonic() < deadline, "redis-server does not answer"
                    time.sleep(0.01)
                else:
                    return

    def stop(self) -> None:
        """Let it shut down in good order."""
        self._end("terminate")

    def kill(self) -> None:
        """Kill it with -9."""
        self._end("kill")

    def pause(self, stop: int) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(stop)

    def _end(self, how: str) -> None:
        if self._process is not None:
            getattr(self._process, how)()
            self._process.wait(DEADLINE_S)
            self._process = None
