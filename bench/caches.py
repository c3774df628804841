"""What a mirrored cache answers from memory, beside a plain lookup in a cache of cachetools."""

from collections.abc import Callable, Iterator
from typing import Any

from cachetools import FIFOCache
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
    rows = [row for value in VALUES for row in _rows(report, value, rounds)]
    print("\n" + table(["ns per lookup of", "plain", "peek", "to plain", "lookup", "to plain"], rows))
    report.print_failures()


def _rows(report: Verdicts, name: str, rounds: int) -> Iterator[list[str]]:
    # The settings must be there.
    from botstate.caches import MirroredCache  # noqa: PLC0415

    keys = [f"key {number}" for number in range(ENTRIES)]
    plain: FIFOCache[str, Any] = FIFOCache(ENTRIES)
    for key in keys:
        plain[key] = VALUES[name]
    for channel in CHANNELS:
        cache = MirroredCache(channel, "bench", max_entries=ENTRIES, store=_Nowhere())  # type: ignore[arg-type]
        for key in keys:
            cache.register(key, VALUES[name])
        times = measure(name, [_lookups(each, keys) for each in (plain.get, cache.peek, cache.lookup)], rounds)
        cache.close()
        row = [f"{name}, {channel}", figure(times[0].median * 1_000 / LOOKUPS)]
        for what, ours in zip(("peek", "a memory hit"), times[1:], strict=True):
            # What is nested is copied as a whole, which no plain lookup does.
            budget = None if name == NESTED else budgets.CACHE_TO_PLAIN
            ratio = report.judged("caches", f"{what}, {name}, {channel}", ours.ratio_to(times[0]), budget)
            row += [figure(ours.median * 1_000 / LOOKUPS), ratio]
        yield row


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
