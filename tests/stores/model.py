"""The contract as plain Python: what a store must give, with a clock that is a number."""

from dataclasses import dataclass, field
from typing import Any

FOREVER = float("inf")


@dataclass(eq=False)
class Item:
    """An item of a queue; claimed while its lease has not ended."""

    value: Any
    token: str | None = None
    lease_until: float = 0.0
    attempts: int = 0


@dataclass
class Series:
    """The items of a list or queue, and when all of them expire."""

    items: list[Any] = field(default_factory=list)
    until: float = FOREVER


class Model:
    """All five facets. Tokens are those that the store under test gave out; None in place of one that it refused."""

    def __init__(self) -> None:
        self.now = 0.0
        self.kv: dict[str, tuple[Any, float]] = {}
        self.lists: dict[str, Series] = {}
        self.locks: dict[str, tuple[str, float]] = {}
        self.dedup: dict[str, tuple[str | None, float]] = {}
        self.queues: dict[str, Series] = {}

    def until(self, ttl: float | None) -> float:
        return FOREVER if ttl is None else self.now + ttl

    # kv

    def set(self, key: str, value: Any, ttl: float | None) -> None:
        self.kv[key] = (value, self.until(ttl))

    def get(self, key: str, default: Any) -> Any:
        value, until = self.kv.get(key, (default, FOREVER))
        return value if until > self.now else default

    def consume(self, key: str, default: Any) -> Any:
        value = self.get(key, default)
        self.kv.pop(key, None)
        return value

    # list

    def live(self, series: dict[str, Series], key: str) -> Series:
        """Return what lives of a list or queue; a fresh one where nothing does."""
        found = series.get(key)
        if found is None or not found.items or found.until <= self.now:
            return Series()
        return found

    def append(self, key: str, value: Any, max_len: int | None, ttl: float | None) -> int:
        series = self.lists[key] = self.live(self.lists, key)
        series.items.append(value)
        if max_len is not None:
            del series.items[:-max_len]
        if ttl is not None:
            series.until = self.until(ttl)
        return len(series.items)

    def range(self, key: str, start: int, stop: int | None) -> list[Any]:
        return self.live(self.lists, key).items[start : None if stop is None else stop + 1]

    def trim(self, key: str, max_len: int) -> None:
        items = self.live(self.lists, key).items
        del items[: max(0, len(items) - max_len)]

    def delete_list(self, key: str) -> bool:
        was_there = bool(self.live(self.lists, key).items)
        self.lists.pop(key, None)
        return was_there

    # lock

    def holder(self, key: str) -> str | None:
        token, until = self.locks.get(key, (None, 0.0))
        return token if until > self.now else None

    def extend(self, key: str, token: str, ttl: float) -> bool:
        if self.holder(key) != token:
            return False
        self.locks[key] = (token, self.until(ttl))
        return True

    def release(self, key: str, token: str | None) -> bool:
        """Free the lock; a token of None frees whoever holds it."""
        holder = self.holder(key)
        if holder is None or token not in (None, holder):
            return False
        del self.locks[key]
        return True

    # dedup

    def check(self, key: str) -> str:
        token, until = self.dedup.get(key, (None, 0.0))
        if until <= self.now:
            return "new"
        return "done" if token is None else "claimed"

    def seen(self, key: str, ttl: float) -> bool:
        if self.check(key) != "new":
            return True
        self.dedup[key] = (None, self.until(ttl))
        return False

    def settle(self, key: str, token: str, ttl: float | None) -> bool:
        """Commit for `ttl`; release where that is None."""
        if self.check(key) != "claimed" or self.dedup[key][0] != token:
            return False
        self.dedup[key] = (None, self.now if ttl is None else self.until(ttl))
        return True

    # queue

    def waiting(self, series: Series) -> list[Item]:
        return [item for item in series.items if item.token is None or item.lease_until <= self.now]

    def enqueue(self, key: str, value: Any, max_size: int | None, on_full: str, ttl: float | None) -> int:
        series = self.queues[key] = self.live(self.queues, key)
        series.items.append(Item(value))
        while max_size is not None and len(series.items) > max_size and (waiting := self.waiting(series)):
            series.items.remove(waiting[0] if on_full == "drop-oldest" else waiting[-1])
        if ttl is not None:
            series.until = self.until(ttl)
        return len(series.items)

    def dequeue(self, key: str, default: Any) -> Any:
        series = self.live(self.queues, key)
        waiting = self.waiting(series)
        if not waiting:
            return default
        series.items.remove(waiting[0])
        return waiting[0].value

    def depth(self, key: str) -> int:
        return len(self.live(self.queues, key).items)

    def claim(self, key: str, token: str | None, lease: float) -> tuple[Any, int] | None:
        waiting = self.waiting(self.live(self.queues, key))
        if not waiting:
            return None
        item = waiting[0]
        item.token, item.lease_until, item.attempts = token, self.until(lease), item.attempts + 1
        return item.value, item.attempts

    def end_claim(self, key: str, token: str, ack: bool) -> bool:
        series = self.live(self.queues, key)
        for item in series.items:
            if item.token == token and item.lease_until > self.now:
                item.token = None
                if ack:
                    series.items.remove(item)
                return True
        return False
