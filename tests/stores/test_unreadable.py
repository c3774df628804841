"""What is stored and is no JSON, as where somebody changed it by hand: an error that names the key and no value."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import ValueUnreadable
from botstate.stores import MemoryStore, OrmStore

BAD = ["secret", '{"a":1', "[" * 100_000]
READS: dict[str, Callable[[StateStore], Any]] = {
    "kv.get": lambda store: store.kv.get("bad"),
    "kv.consume": lambda store: store.kv.consume("bad"),
    "list.range": lambda store: store.list.range("bad"),
    "queue.dequeue": lambda store: store.queue.dequeue("bad"),
    "queue.claim": lambda store: store.queue.claim("bad", 60),
}


@pytest.fixture(params=["orm", pytest.param("memory", marks=pytest.mark.once)])
def store(request: pytest.FixtureRequest, transactional_db: None) -> StateStore:
    return OrmStore() if request.param == "orm" else MemoryStore()


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_it_raises_and_names_the_key(store: StateStore, read: str, text: str) -> None:
    store.kv._set(store.kv._address("bad"), text, None)
    store.list._append(store.list._address("bad"), text, None, None)
    store.queue._enqueue(store.queue._address("bad"), text, None, "drop-oldest", None)
    with pytest.raises(ValueUnreadable, match="'bad'") as raised:
        READS[read](store)
    assert raised.value.code == "value_unreadable"
    assert "secret" not in str(raised.value)
