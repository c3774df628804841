"""A process that races on Redis; `RedisRacers` starts it. It takes the orders of `tests.stores.racer`.

BOTSTATE_RACE_DATABASE holds the settings' CACHES, BOTSTATE_RACE_NAMESPACE the store's namespace.
"""

import os
from contextlib import suppress
from functools import cache
from typing import Any

from tests.stores import racer


def configure(caches: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["botstate"], CACHES=caches, USE_TZ=True)
    django.setup()


@cache
def store() -> Any:
    from botstate.stores import RedisStore

    return RedisStore(namespace=os.environ["BOTSTATE_RACE_NAMESPACE"])


def race_entry(options: dict[str, Any], method: str, arguments: list[Any]) -> Any:
    """Call one method of keyed entries."""
    return getattr(entries(options), method)(*arguments)


def race_entries(options: dict[str, Any], count: int) -> list[int]:
    """Register `count` entries that nobody else has; return how many were admitted, and the most that there were."""
    from botstate.exceptions import LimitExceeded

    collection = entries(options)
    admitted = most = 0
    for number in range(count):
        with suppress(LimitExceeded):
            admitted += collection.register_if_absent(f"{os.getpid()} {number}", number, [None, 0.005][number % 2])
        most = max(most, collection.count(), len(collection.entries()))
    return [admitted, most]


def race_update(options: dict[str, Any], key: str, count: int) -> None:
    """Add 1 `count` times."""
    for _ in range(count):
        entries(options).update(key, lambda value: value + 1, default=0)


def entries(options: dict[str, Any]) -> Any:
    from botstate.keyed import open_keyed_store

    return open_keyed_store("races", store=store(), **options)


if __name__ == "__main__":
    vars(racer).update(configure=configure, store=store)
    vars(racer).update(race_entry=race_entry, race_entries=race_entries, race_update=race_update)
    racer.main()
