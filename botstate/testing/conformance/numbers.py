# ruff: noqa: S101, PLR2004
"""Numbers of a subclass of int or float count as the numbers that they are, whatever they are written as."""

from enum import Enum, IntEnum
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase


class _Member(IntEnum):
    TWO = 2


class _MixedIn(int, Enum):
    TWO = 2


class _Misspelt(int):
    """Whoever writes it as text, or calculates with it, gets something else."""

    def __str__(self) -> str:
        return "nine"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return "nine"

    def __add__(self, other: int) -> int:
        return 9

    __mul__ = __sub__ = __add__


class _MisspeltFloat(float):
    def __str__(self) -> str:
        return "nine"

    __repr__ = __str__

    def __mul__(self, other: float) -> float:
        return 9.0


#: Every one of them is 2.
TWOS: dict[str, Any] = {"an IntEnum": _Member.TWO, "an int and Enum": _MixedIn.TWO, "another int": _Misspelt(2)}
#: A day and a half, in seconds.
DURATIONS: dict[str, Any] = {"an int": _Misspelt(129_600), "a float": _MisspeltFloat(129_600)}
#: More than any server counts to.
HUGE = [2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**5_000]


class NumberConformance(ConformanceBase):
    """Bounds, indexes, limits and durations."""

    @pytest.mark.parametrize("kind", list(TWOS))
    def test_a_bound_of_a_list_may_be_of_a_subclass(self, store: StateStore, key: str, kind: str) -> None:
        two = TWOS[kind]
        lengths = [store.list.append(key, value, max_len=two) for value in range(4)]
        assert lengths == [1, 2, 2, 2], f"a max_len of 2 ({kind}) holds"
        assert store.list.range(key) == [2, 3], f"a max_len of 2 ({kind}) keeps the newest two"
        for value in range(4, 8):
            store.list.append(key, value)
        store.list.trim(key, two)
        assert store.list.range(key) == [6, 7], f"trim to 2 ({kind}) keeps the newest two"

    @pytest.mark.parametrize("kind", list(TWOS))
    def test_an_index_of_a_list_may_be_of_a_subclass(self, store: StateStore, key: str, kind: str) -> None:
        two = TWOS[kind]
        for value in range(5):
            store.list.append(key, value)
        assert store.list.range(key, two) == [2, 3, 4], f"a start of 2 ({kind})"
        assert store.list.range(key, 0, two) == [0, 1, 2], f"a stop of 2 ({kind})"
        assert store.list.range(key, two, two) == [2], f"a start and stop of 2 ({kind})"

    @pytest.mark.parametrize("kind", list(TWOS))
    def test_a_bound_of_a_queue_may_be_of_a_subclass(self, store: StateStore, key: str, kind: str) -> None:
        two = TWOS[kind]
        for name, left in (("drop-oldest", [2, 3]), ("drop-newest", [0, 1])):
            queue = f"{key}:{name}"
            depths = [store.queue.enqueue(queue, value, two, name) for value in range(4)]  # type: ignore[arg-type]
            assert depths == [1, 2, 2, 2], f"a max_size of 2 ({kind}) holds"
            assert [store.queue.dequeue(queue) for _ in range(2)] == left, f"a max_size of 2 ({kind}) with {name}"

    @pytest.mark.parametrize("kind", list(TWOS))
    def test_the_limit_of_a_sweep_may_be_of_a_subclass(self, store: StateStore, kind: str) -> None:
        swept = store.sweep(TWOS[kind])
        assert max(swept.values()) <= 2, f"sweep removes at most 2 ({kind}): {swept}"

    @pytest.mark.parametrize("limit", HUGE, ids=lambda limit: f"{limit.bit_length()} bits")
    def test_the_limit_of_a_sweep_may_be_huge(self, store: StateStore, key: str, limit: int) -> None:
        store.kv.set(key, 1, ttl=self.short)
        store.list.append(key, 1, ttl=self.short)
        self.advance(store, self.short)
        store.sweep(limit)
        left = store.sweep()
        assert (left["kv"], left["list"]) == (0, 0), "a sweep with a huge limit leaves nothing"

    @pytest.mark.parametrize("number", HUGE, ids=lambda number: f"{number.bit_length()} bits")
    def test_an_index_of_a_list_may_be_huge(self, store: StateStore, key: str, number: int) -> None:
        for value in range(3):
            store.list.append(key, value, max_len=number)
        store.list.trim(key, number)
        assert store.list.range(key, 1, number) == [1, 2], "a huge stop is beyond the newest"
        assert store.list.range(key, number) == store.list.range(key, number, number) == [], "a huge start too"

    @pytest.mark.parametrize("kind", list(DURATIONS))
    def test_a_duration_may_be_of_a_subclass(self, store: StateStore, key: str, kind: str) -> None:
        long = DURATIONS[kind]
        store.kv.set(key, "kv", ttl=long)
        store.list.append(key, "list", ttl=long)
        store.queue.enqueue(key, "queue", ttl=long)
        lock = store.lock.acquire(key, ttl=long)
        token = store.dedup.claim(key, lease=long)
        claim = store.queue.claim(key, lease=long)
        assert lock is not None and token is not None and claim is not None
        self.advance(store, self.short)
        assert (store.kv.get(key), store.list.range(key)) == ("kv", ["list"]), f"a ttl of a day and a half ({kind})"
        assert store.lock.extend(key, lock.token, long), f"a lock's ttl of a day and a half ({kind})"
        assert store.dedup.commit(key, token, ttl=long), f"a lease of a day and a half ({kind})"
        assert store.queue.ack(key, claim.token), f"a claim's lease of a day and a half ({kind})"
        self.advance(store, self.short)
        assert store.lock.acquire(key) is None, f"an extension of a day and a half ({kind})"
        assert store.dedup.seen(key, ttl=long), f"a ttl of a day and a half ({kind})"
