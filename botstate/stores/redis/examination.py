"""What is wrong with a Redis that holds a store, in words: asked by `botstate_doctor`."""

import time
from typing import Any

#: Slack's signatures are fresh for 5 minutes by the web host's clock; everything else goes by the store's.
MAX_SKEW_S = 30
_OLDEST = (7, 0)


def examine_server(alias: str, client: Any) -> list[str]:
    """Return what is wrong, a line each."""
    info = client.info()
    return [
        *_version(alias, info),
        *_eviction(alias, info),
        *_persistence(alias, info),
        *_skew(alias, client.time()),
        *_retries(alias, client),
    ]


def _version(alias: str, info: dict[str, Any]) -> list[str]:
    version = str(info["redis_version"])
    if tuple(map(int, version.split(".")[:2])) >= _OLDEST:
        return []
    return [f"Redis {alias!r} is {version}: locks and queues need 7.0"]


def _eviction(alias: str, info: dict[str, Any]) -> list[str]:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or not info.get("maxmemory"):
        return []
    return [f"Redis {alias!r} evicts ({policy}): it may drop a held lock or a queue; set maxmemory-policy noeviction"]


def _persistence(alias: str, info: dict[str, Any]) -> list[str]:
    if info.get("aof_enabled", 1):
        return []
    return [f"Redis {alias!r} keeps no append-only file: a restart loses what was written since its last snapshot"]


def _skew(alias: str, now: tuple[int, int]) -> list[str]:
    skew_s = time.time() - now[0]
    if abs(skew_s) <= MAX_SKEW_S:
        return []
    return [f"this host's clock is {skew_s:+.0f} s off that of Redis {alias!r}: signatures are judged by this host's"]


def _retries(alias: str, client: Any) -> list[str]:
    retry = client.get_retry()
    if retry is None or retry.get_retries() == 0:
        return []
    return [f"the cache {alias!r} sends commands again that got no answer: what they do may be done twice"]
