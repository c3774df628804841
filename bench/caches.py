"""What a mirrored cache answers from memory, beside a plain `cache[key]` in a cache of cachetools."""

from collections.abc import Callable, Iterator
from typing import Any

from cachetools import Cache, FIFOCache, TTLCache
from django.conf import settings

from bench import budgets
from bench.rendering import Calls
from bench.tables import figure, table
from bench.timing import measure
from bench.verdicts import Verdicts

ENTRIES = 1_000
#: A call takes less time than a look at the clock.
LOOKUPS = 1_000
CHANNELS = {"off": False, "on": True}
TTL_S = 3_600
NESTED = "a nested dict"
VALUES = {
    "text": "1726000000.000100",
    "a flat dict": {"channel": "C0123456789", "ts": "1726000000.000100", "user": "U0123456789"},
    NESTED: {"channel": "C0123456789", "card": {"id": 7, "rows": [["a", 1], ["b", 2]]}},
}


def run(rounds: int) -> None:
    """Measure and print."""
    if not settings.configured:
        settings.configure(BOTSTATE={"CACHES": {name: {"PERSISTENT": is_on} for name, is_on in CHANNELS.items()}})
    report = Verdicts()
    rows = [row for value in VALUES for ttl_s in (None, TTL_S) for row in _rows(report, value, ttl_s, rounds)]
    print("\n" + table(["ns per lookup of", "plain", "peek", "to plain", "lookup", "to plain"], rows))
    report.print_failures()


def _rows(report: Verdicts, name: str, ttl_s: int | None, rounds: int) -> Iterator[list[str]]:
    # The settings must be there.
    from botstate.caches import MirroredCache  # noqa: PLC0415

    keys = [f"key {number}" for number in range(ENTRIES)]
    plain: Cache[str, Any] = FIFOCache(ENTRIES) if ttl_s is None else TTLCache(ENTRIES, ttl_s)
    for key in keys:
        plain[key] = VALUES[name]
    for channel in CHANNELS:
        cache = MirroredCache(channel, "bench", max_entries=ENTRIES, ttl=ttl_s, store=_Nowhere())  # type: ignore[arg-type]
        for key in keys:
            cache.register(key, VALUES[name])
        contestants = [_plain_lookups(plain, keys), *(_lookups(each, keys) for each in (cache.peek, cache.lookup))]
        times = measure(name, contestants, rounds)
        cache.close()
        case = f"{name}, {channel}" if ttl_s is None else f"{name}, ttl, {channel}"
        row = [case, figure(times[0].median * 1_000 / LOOKUPS)]
        for what, ours in zip(("peek", "a memory hit"), times[1:], strict=True):
            # What is nested is copied as a whole, which no plain lookup does.
            budget = None if name == NESTED else budgets.CACHE_TO_PLAIN
            ratio = report.judged("caches", f"{what}, {case}", ours.ratio_to(times[0]), budget)
            row += [figure(ours.median * 1_000 / LOOKUPS), ratio]
        yield row


def _plain_lookups(cache: "Cache[str, Any]", keys: list[str]) -> Calls:
    # Its `get` looks twice.
    def look() -> None:
        for key in keys:
            _ = cache[key]

    return Calls(look)


def _lookups(lookup: Callable[[str], Any], keys: list[str]) -> Calls:
    def look() -> None:
        for key in keys:
            lookup(key)

    return Calls(look)


class _Nowhere:
    """A store that takes everything and keeps nothing: nothing of it is timed."""

    def __init__(self) -> None:
        self.keyed = self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: True
