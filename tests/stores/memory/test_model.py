"""MemoryStore and the plain Python model are driven side by side, and no difference is found."""

from collections.abc import Callable

import pytest

from botstate.stores import MemoryStore
from tests.stores import test_model
from tests.stores.memory.clock import Clock

pytestmark = pytest.mark.once


@pytest.mark.parametrize("facet", test_model.MACHINES)
def test_the_memory_store_and_the_model_never_differ(facet: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    drive: Callable[[str | None], None] = test_model.test_the_orm_store_and_the_model_never_differ
    # The names by which the machine knows its store.
    monkeypatch.setattr(test_model, "STORE_MODELS", ())
    monkeypatch.setattr(test_model, "OrmStore", lambda: MemoryStore(clock=clock))
    monkeypatch.setattr(test_model, "advance", clock.advance)
    drive(facet)
