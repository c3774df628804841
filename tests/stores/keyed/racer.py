"""A process that races for keyed entries; it takes the orders of `tests.stores.racer`, and those here.

With BOTSTATE_RACE_NAMESPACE it does so on Redis, as `tests.stores.redis.racer` does.
"""

import os
import time
from contextlib import suppress
from typing import Any

from tests.stores import racer as racer_module


def opened(namespace: str, **options: Any) -> Any:
    from botstate.keyed import open_keyed_store

    return open_keyed_store(namespace, store=racer_module.store(), **options)


def race_rest() -> None:
    """Take no part."""


def race_claims(count: int, value: str, begin_at: float = 0.0) -> tuple[list[bool], float, float]:
    """Claim each of `count` keys, from `begin_at` by the host's clock on; say which were won, and from when to when."""
    entries = opened("claims")
    entries.lookup("connected")
    time.sleep(max(0.0, begin_at - time.time()))
    began = time.time()
    won = [entries.register_if_absent(f"key {number}", value) for number in range(count)]
    return won, began, time.time()


def race_takes(count: int) -> list[int]:
    """Consume each of `count` keys, and return what was got."""
    entries = opened("takes")
    taken = (entries.consume(f"key {number}") for number in range(count))
    return [value for value in taken if value is not None]


def race_increments(count: int) -> list[int]:
    """Add 1 so often, and return what was there each time."""
    entries = opened("counters", max_entries=1, overflow="reject-new")
    return [entries.update("key", lambda had: had + 1, default=0) for _ in range(count)]


def race_swaps(count: int, racer: int) -> int:
    """Replace the value so often by compare_and_set, trying until it holds; return how often that failed."""
    entries = opened("swaps")
    failures = 0

    def swap() -> bool:
        nonlocal failures
        had = entries.lookup("key")
        swapped = entries.compare_and_set("key", had, [had[0] + 1, racer])
        failures += not swapped
        return bool(swapped)

    for _ in range(count):
        racer_module.until(swap)
    return failures


def race_writes(racer: int, count: int, options: dict[str, Any]) -> list[int]:
    """Write `count` entries of this process's own; return how many were stored, and the most that were ever seen."""
    from botstate.exceptions import LimitExceeded

    entries = opened("writes", **options)
    stored = most = 0
    for number in range(count):
        with suppress(LimitExceeded):
            entries.register(f"{racer} {number}", [racer, number])
            stored += 1
        most = max(most, entries.count(), len(entries.entries()), len(entries.entries_in_range()))
    return [stored, most]


if __name__ == "__main__":
    if "BOTSTATE_RACE_NAMESPACE" in os.environ:
        from tests.stores.redis.racer import configure, store

        vars(racer_module).update(configure=configure, store=store)
    vars(racer_module).update({name: order for name, order in list(globals().items()) if name.startswith("race_")})
    racer_module.main()
