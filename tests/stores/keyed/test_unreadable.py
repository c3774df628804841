"""Rows that were damaged by hand: an error of their own, which names the key and no value."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import StoreError, ValueUnreadable
from botstate.keyed import KeyedStore, open_keyed_store
from botstate.stores import MemoryStore, OrmStore

BAD = ["secret", '{"a":1', "1 2", "[" * 100_000]
CALLS: dict[str, Callable[[KeyedStore], Any]] = {
    "lookup": lambda entries: entries.lookup("bad"),
    "lookup_entry": lambda entries: entries.lookup_entry("bad"),
    "lookup_many": lambda entries: entries.lookup_many(["good", "bad"]),
    "entries": lambda entries: entries.entries(),
    "entries_in_range": lambda entries: entries.entries_in_range(),
    "update": lambda entries: entries.update("bad", lambda value: 2),
    "consume": lambda entries: entries.consume("bad"),
}


@pytest.fixture(params=["orm", pytest.param("memory", marks=pytest.mark.once)])
def store(request: pytest.FixtureRequest, db: None) -> StateStore:
    return OrmStore() if request.param == "orm" else MemoryStore()


def damage(store: StateStore, namespace: str, key: str, text: str) -> None:
    facet = store.keyed
    assert facet is not None
    collection = facet.collection(namespace, None, False, False)
    facet.register(collection, facet.entry_address(collection, key), text, None)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_it_raises_and_names_the_key(store: StateStore, operation: str, text: str) -> None:
    entries = open_keyed_store("unreadable", store=store)
    entries.register("good", 1)
    damage(store, "unreadable", "bad", text)
    with pytest.raises(ValueUnreadable, match="'bad'") as raised:
        CALLS[operation](entries)
    assert isinstance(raised.value, StoreError) and not isinstance(raised.value, ValueError)
    assert (raised.value.code, raised.value.operation) == ("value_unreadable", operation)
    assert "secret" not in str(raised.value)
    assert entries.count() == (1 if operation == "consume" else 2)
    assert entries.lookup("good") == 1
    entries.register("bad", "mended")
    assert entries.lookup("bad") == "mended"
