"""Stores that are broken on purpose: the shipped suite must see it, and say so in the contract's words."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.contracts.addresses import Address
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import MemoryStore
from tests.stores.memory.clock import Clock
from tests.stores.memory.test_conformance import TestMemoryStore as Suite
from tests.stores.memory.test_keyed import TestMemoryStore as KeyedSuite

pytestmark = pytest.mark.once

AN_HOUR_US = 3_600_000_000
A_SECOND_US = 1_000_000


@pytest.fixture
def suite() -> Suite:
    made = Suite()
    made.clock = Clock()
    return made


@pytest.fixture
def store(suite: Suite) -> MemoryStore:
    return MemoryStore(clock=suite.clock)


@pytest.mark.parametrize("off_us", [AN_HOUR_US, -AN_HOUR_US])
def test_expires_at_that_is_off(suite: Suite, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, off_us: int) -> None:
    acquire: Any = store.lock._acquire

    def wrongly(address: Address, token: str, ttl_us: int) -> tuple[int, int]:
        fence, expires_us = acquire(address, token, ttl_us)
        return fence, expires_us + off_us

    monkeypatch.setattr(store.lock, "_acquire", wrongly)
    with pytest.raises(AssertionError, match="expires_at must be when the lock expires, by the store's clock"):
        suite.test_expires_at_is_by_the_stores_clock(store, "key")


def test_expires_at_that_takes_no_heed_of_the_ttl(
    suite: Suite, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire: Any = store.lock._acquire
    monkeypatch.setattr(
        store.lock,
        "_acquire",
        lambda address, token, ttl_us: (acquire(address, token, ttl_us)[0], suite.clock() + AN_HOUR_US),
    )
    with pytest.raises(AssertionError, match="expires_at must be the later for a longer ttl, by as much"):
        suite.test_expires_at_goes_by_the_ttl(store, "key")


#: Every method that a backend implements with a duration, and where among its arguments that is.
TAKES_A_DURATION = {
    "kv._set": 2,
    "list._append": 3,
    "queue._enqueue": 4,
    "queue._claim": 1,
    "lock._acquire": 2,
    "lock._extend": 2,
    "dedup._seen": 1,
    "dedup._claim": 2,
    "dedup._commit": 2,
}


@pytest.mark.parametrize("name", TAKES_A_DURATION)
def test_a_duration_that_is_rounded_up_to_seconds(
    suite: Suite, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    facet, method = name.split(".")
    owner, position = getattr(store, facet), TAKES_A_DURATION[name]
    rightly: Callable[..., Any] = getattr(owner, method)

    def wrongly(*arguments: Any) -> Any:
        given_us = arguments[position]
        longer_us = None if given_us is None else -(-given_us // A_SECOND_US) * A_SECOND_US
        return rightly(*arguments[:position], longer_us, *arguments[position + 1 :])

    monkeypatch.setattr(owner, method, wrongly)
    with pytest.raises(AssertionError, match="fraction of a second"):
        suite.test_a_fraction_of_a_second_counts(store, "key")


@pytest.mark.parametrize("method", ["register", "register_if_absent", "replace"])
def test_a_ttl_of_an_entry_that_is_rounded_up_to_seconds(
    store: MemoryStore, suite: Suite, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    rightly: Callable[..., Any] = getattr(store.keyed, method)

    def wrongly(*arguments: Any) -> Any:
        *others, ttl_us = arguments
        return rightly(*others, None if ttl_us is None else -(-ttl_us // A_SECOND_US) * A_SECOND_US)

    monkeypatch.setattr(store.keyed, method, wrongly)
    keyed_suite = KeyedSuite()
    keyed_suite.clock = suite.clock

    def opened(name: str = "", **options: Any) -> KeyedStore:
        return open_keyed_store(f"key{name}", store=store, **options)

    with pytest.raises(AssertionError, match="fraction of a second"):
        keyed_suite.test_a_fraction_of_a_second_counts(store, opened(), opened)


def test_a_value_over_the_bound_that_is_stored(suite: Suite) -> None:
    lenient = MemoryStore(max_value_bytes=2 * suite.max_value_bytes)
    with pytest.raises(pytest.fail.Exception, match=r"kv\.set must raise ValueError for what it refuses"):
        suite.test_a_value_over_the_size_bound_is_refused(lenient, "key", "x")


def test_seen_and_claim_that_are_kept_apart(suite: Suite, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    apart: Any = MemoryStore(clock=suite.clock).dedup
    monkeypatch.setattr(store.dedup, "_claim", apart._claim)
    with pytest.raises(AssertionError, match="what was seen cannot be claimed"):
        suite.test_a_repeat_does_not_prolong_the_first_ttl(store, "key")
