# ruff: noqa: S101
"""Times-to-live and leases: their forms, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.base import ConformanceBase, refused

BAD_DURATIONS: dict[str, Any] = {
    "zero": 0,
    "zero as a float": 0.0,
    "minus zero": -0.0,
    "negative": -1,
    "a negative timedelta": timedelta(seconds=-1),
    "an empty timedelta": timedelta(0),
    "the text 0s": "0s",
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "101 years": timedelta(days=101 * 365),
    "a huge int": 10**400,
    "True": True,
    "the empty text": "",
    "a text without a unit": "30",
    "a text with a space": "30 s",
    "a text with a sign": "-30s",
    "a text with a line end": "30s\n",
    "an unknown unit": "30w",
    "an upper-case unit": "30S",
    "two units": "1h30m",
    "a list": [30],
    "bytes": b"30s",
}

#: Every method that takes a duration, with what its parameter is called.
CALLS: dict[str, tuple[str, Callable[[StateStore, str, Any], Any]]] = {
    "kv.set": ("ttl", lambda store, key, ttl: store.kv.set(key, 1, ttl=ttl)),
    "list.append": ("ttl", lambda store, key, ttl: store.list.append(key, 1, ttl=ttl)),
    "lock.acquire": ("ttl", lambda store, key, ttl: store.lock.acquire(key, ttl=ttl)),
    "lock.hold": ("ttl", lambda store, key, ttl: store.lock.hold(key, ttl=ttl).__enter__()),
    "lock.extend": ("ttl", lambda store, key, ttl: store.lock.extend(key, "0" * 32, ttl)),
    "dedup.seen": ("ttl", lambda store, key, ttl: store.dedup.seen(key, ttl)),
    "dedup.claim": ("lease", lambda store, key, lease: store.dedup.claim(key, lease)),
    "dedup.commit": ("ttl", lambda store, key, ttl: store.dedup.commit(key, "0" * 32, ttl)),
    "queue.enqueue": ("ttl", lambda store, key, ttl: store.queue.enqueue(key, 1, ttl=ttl)),
    "queue.claim": ("lease", lambda store, key, lease: store.queue.claim(key, lease)),
}


class DurationConformance(ConformanceBase):
    """A ttl or lease is seconds, a timedelta or a text such as "30s"; more than zero and at most 100 years."""

    @pytest.mark.parametrize("bad", list(BAD_DURATIONS))
    def test_every_method_refuses_a_bad_duration(self, store: StateStore, key: str, bad: str) -> None:
        for name, (parameter, call) in CALLS.items():
            said = refused(name, ValueError, call, store, key, BAD_DURATIONS[bad])
            assert parameter in said, f"{name} must name {parameter} when it refuses {bad}: {said}"
        assert store.kv.get(key, "missing") == "missing", "a set with a refused ttl must write nothing"
        assert store.list.range(key) == [], "an append with a refused ttl must write nothing"
        assert store.queue.depth(key) == 0, "an enqueue with a refused ttl must write nothing"
        assert store.dedup.check(key) == "new", "a seen or claim with a refused duration must record nothing"

    @pytest.mark.parametrize("parameter", ["lease", "ttl"])
    def test_where_there_must_be_a_duration_none_is_refused(self, store: StateStore, key: str, parameter: str) -> None:
        without = {"kv.set", "list.append", "queue.enqueue"}
        for name, (called, call) in CALLS.items():
            if called == parameter and name not in without:
                said = refused(name, ValueError, call, store, key, None)
                assert parameter in said, f"{name} must name {parameter} when there is none: {said}"

    @pytest.mark.parametrize("form", ["int", "float", "timedelta", "text", "text in ms"])
    def test_every_form_of_a_duration_means_the_same(self, store: StateStore, key: str, form: str) -> None:
        short, later = self._in_form(form, self.short), self._in_form(form, 2_000)
        store.kv.set(f"{key}:short", 1, ttl=short)
        store.kv.set(f"{key}:later", 1, ttl=later)
        store.list.append(key, 1, ttl=short)
        store.queue.enqueue(key, 1, ttl=short)
        store.dedup.seen(key, short)
        assert store.lock.acquire(key, ttl=short), "a free lock can be taken"
        self.advance(store, max(1.0, self.short) if form == "int" else self.short)
        assert store.kv.get(f"{key}:short") is None, f"a ttl given as {form} must end when it says"
        assert store.kv.get(f"{key}:later") == 1, f"a ttl given as {form} must not end before it says"
        assert store.list.range(key) == [], f"a list's ttl given as {form} must end when it says"
        assert store.queue.depth(key) == 0, f"a queue's ttl given as {form} must end when it says"
        assert store.dedup.check(key) == "new", f"a dedup ttl given as {form} must end when it says"
        assert store.lock.acquire(key), f"a lock's ttl given as {form} must end when it says"

    def test_a_fraction_of_a_second_counts(self, store: StateStore, key: str) -> None:
        ttl = self.fraction
        store.kv.set(key, 1, ttl=ttl)
        store.list.append(key, 1, ttl=ttl)
        store.queue.enqueue(key, 1, ttl=ttl)
        store.queue.enqueue(f"{key}:claimed", 1)
        assert store.queue.claim(f"{key}:claimed", ttl), "an enqueued item can be claimed"
        assert store.lock.acquire(key, ttl=ttl), "a free lock can be taken"
        extended = store.lock.acquire(f"{key}:extended", ttl=self.long)
        assert extended and store.lock.extend(extended.key, extended.token, ttl), "a holder can extend its lock"
        store.dedup.seen(key, ttl)
        assert store.dedup.claim(f"{key}:claimed", ttl), "a new key can be claimed"
        committed = store.dedup.claim(f"{key}:committed", self.long)
        assert committed and store.dedup.commit(f"{key}:committed", committed, ttl), "a claim can be committed"
        self.advance(store, ttl)
        ended = {
            "the ttl of a value": store.kv.get(key) is None,
            "the ttl of a list": store.list.range(key) == [],
            "the ttl of a queue": store.queue.depth(key) == 0,
            "the lease of a queue's claim": store.queue.dequeue(f"{key}:claimed") is not None,
            "the ttl of a lock": store.lock.acquire(key) is not None,
            "the ttl of an extended lock": store.lock.acquire(f"{key}:extended") is not None,
            "the ttl of what was seen": store.dedup.check(key) == "new",
            "the lease of a claim": store.dedup.check(f"{key}:claimed") == "new",
            "the ttl of what was committed": store.dedup.check(f"{key}:committed") == "new",
        }
        for what, has_ended in ended.items():
            assert has_ended, f"{what} must end when it says, to a fraction of a second: {ttl} s"

    @pytest.mark.parametrize("ttl", ["500ms", "90s", "5m", "12h", "30d", "1.5h", 36_500 * 86_400])
    def test_times_of_all_sizes_are_accepted(self, store: StateStore, key: str, ttl: Any) -> None:
        store.kv.set(key, "v", ttl=ttl)
        lock = store.lock.acquire(key, ttl=ttl)
        assert lock is not None, f"a lock can be taken for {ttl}"
        assert lock.expires_at.utcoffset() == timedelta(0), "expires_at must be an aware datetime in UTC"
        if ttl != "500ms":
            assert store.kv.get(key) == "v", f"a value with a ttl of {ttl} must still be there"

    @staticmethod
    def _in_form(form: str, seconds: float) -> Any:
        if form == "int":
            return max(1, int(seconds))
        if form == "timedelta":
            return timedelta(seconds=seconds)
        if form == "text":
            return f"{seconds}s"
        return f"{int(seconds * 1000)}ms" if form == "text in ms" else float(seconds)
