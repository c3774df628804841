"""The way to the server: a client of django-redis, scripts that are loaded once, and botstate's names for errors."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.core.cache import InvalidCacheBackendError
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django_redis import get_redis_connection
from redis import Redis, exceptions

from botstate.exceptions import BotStateMisconfigured, StoreError, StoreUnavailable

#: What passes by itself: a server that is away, loading or failing over. A read-only one was a primary a moment ago.
_PASSING = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.TryAgainError,
)

#: The same, which redis-py has no class for.
_PASSING_WORDS = {"BUSY": "is busy with a script", "NOREPLICAS": "has too few replicas"}

#: The first line of a script that may write although the server has reached its maxmemory, because it frees memory or
#: takes next to none. Without it, what is full could let go of nothing.
EVEN_WHEN_FULL = "#!lua flags=allow-oom\n"

T = TypeVar("T")


class RedisLink:
    """The client of one django-redis alias. Safe to share between threads and over a fork, as redis-py's clients are.

    Nothing is ever sent twice: a command whose answer was lost may have been carried out.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._client: Redis | None = None
        setting_changed.connect(self._forget)
        self._connected()

    def call(self, command: Callable[[Any], T]) -> T:
        """Give `command` the client and return its result. Raises StoreUnavailable and StoreError, with the cause."""
        try:
            return command(self._client or self._connected())
        except _PASSING as error:
            self._leave_replica(error)
            raise StoreUnavailable(f"Redis {self.alias!r} is unavailable ({type(error).__name__})") from error
        except (exceptions.RedisError, exceptions.RedisClusterException) as error:
            passing = _PASSING_WORDS.get(str(error).partition(" ")[0])
            if passing is not None:
                raise StoreUnavailable(f"Redis {self.alias!r} {passing}") from error
            raise StoreError(f"Redis {self.alias!r} failed ({type(error).__name__})") from error
        except UnicodeDecodeError as error:
            raise _foreign() from error

    def run(self, lua: str, keys: list[str], *arguments: str | int) -> Any:
        """Run a script, in one round trip once the server knows it."""
        return self.call(lambda client: self._evaluate(client, lua, keys, arguments))

    def close(self) -> None:
        """Close the idle connections; a later call opens one again."""
        client, self._client = self._client, None
        if client is not None:
            client.connection_pool.disconnect(inuse_connections=False)

    def _connected(self) -> Any:
        """Return the client; it connects when it is used."""
        try:
            client = get_redis_connection(self.alias)
        except (NotImplementedError, TypeError, InvalidCacheBackendError) as error:
            raise BotStateMisconfigured(f"CACHES has no django-redis cache {self.alias!r}") from error
        except (ImproperlyConfigured, ImportError, ValueError) as error:
            raise BotStateMisconfigured(f"the cache {self.alias!r} is misconfigured: {error}") from error
        try:
            _try_connection(client)
        except (TypeError, ValueError, AttributeError, exceptions.RedisError) as error:
            raise BotStateMisconfigured(f"the cache {self.alias!r} can make no connection: {error}") from error
        self._client = client
        return client

    @staticmethod
    def _evaluate(client: Any, lua: str, keys: list[str], arguments: tuple[str | int, ...]) -> Any:
        try:
            return client.evalsha(_sha(lua), len(keys), *keys, *arguments)
        except exceptions.NoScriptError:
            # A server that does not know the script (yet, or any more) has done nothing. This one makes it known, and
            # unlike a SCRIPT LOAD before a second try cannot be overtaken by a flush.
            return client.eval(lua, len(keys), *keys, *arguments)

    def _leave_replica(self, error: Exception) -> None:
        """After a failover, connections to the former primary must be replaced."""
        if isinstance(error, exceptions.ReadOnlyError):
            self.close()

    def _forget(self, *, setting: str, **kwargs: Any) -> None:
        if setting == "CACHES":
            self._client = None


def _try_connection(client: Any) -> None:
    """Make a connection that connects to nothing: a wrong argument for those would show up at the first call only."""
    pool = getattr(client, "connection_pool", None)
    if pool is not None:
        pool.connection_class(**pool.connection_kwargs)


@cache
def _sha(lua: str) -> str:
    """Return the name that Redis gives to a script."""
    return hashlib.sha1(lua.encode("ascii"), usedforsecurity=False).hexdigest()


def text_of(answer: Any) -> str:
    """Return the answer as text, whether or not the client decodes. What is not ASCII is none of botstate's."""
    try:
        return answer if isinstance(answer, str) else answer.decode("ascii")
    except UnicodeDecodeError as error:
        raise _foreign() from error


def optional_text(answer: Any) -> str | None:
    """`text_of`, with None for nothing."""
    return None if answer is None else text_of(answer)


def _foreign() -> StoreError:
    return StoreError("Redis holds bytes under a key of botstate's that botstate did not write")
