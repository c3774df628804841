"""What the parts of the suite for keyed stores share."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import BotStateError
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.testing.conformance.base import ConformanceBase


class Opener(Protocol):
    """Open entries that no other test uses; the same name, the same entries: `opened("a", max_entries=3)`."""

    def __call__(self, name: str = ..., **options: Any) -> KeyedStore: ...


class KeyedBase(ConformanceBase):
    """Entries of namespaces that no other test has used, so that a store may be shared."""

    @pytest.fixture
    def opened(self, store: StateStore, key: str) -> Opener:
        """Open namespaces whose names begin with a text of this test's own."""

        def open_it(name: str = "", **options: Any) -> KeyedStore:
            return open_keyed_store(f"{key}{name}", store=store, **options)

        return open_it

    @pytest.fixture
    def entries(self, opened: Opener) -> KeyedStore:
        """Entries without a bound and without an expiry of their own."""
        return opened()


def keys_of(entries: KeyedStore) -> list[str]:
    """Return the keys in the order in which `entries` lists them."""
    return [entry.key for entry in entries.entries()]


def listed(entries: KeyedStore) -> list[list[Any]]:
    """Return every key and value, oldest first."""
    return [[entry.key, entry.value] for entry in entries.entries()]


def refusal(operation: str, error: type[BotStateError], call: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """See that the call raises the error, which names its code and the operation; return what it says."""
    with pytest.raises(error) as raised:
        call(*args, **kwargs)
        pytest.fail(f"{operation} must raise {error.__name__} for what it refuses")
    told = raised.value
    assert type(told) is error, f"{operation} must raise {error.__name__}, not {type(told).__name__}"  # noqa: S101
    assert (told.code, told.operation) == (error.code, operation), (  # noqa: S101
        f"a {error.__name__} names its code and operation: {error.code!r} and {operation!r}, "
        f"not {told.code!r} and {told.operation!r}"
    )
    return str(told)
