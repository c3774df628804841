"""The memory store's keyed entries: the shipped suite, and the model beside them."""

from typing import ClassVar

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import MemoryStore
from botstate.testing import KeyedConformance
from tests.stores.keyed.machine import MACHINES, KeyedMachine, assert_no_difference
from tests.stores.memory.clock import Clock

pytestmark = pytest.mark.once


class TestMemoryStore(KeyedConformance):
    short: ClassVar[float] = 30

    @pytest.fixture
    def store(self) -> StateStore:
        self.clock = Clock()
        return MemoryStore(clock=self.clock)

    def advance(self, store: StateStore, seconds: float) -> None:
        self.clock.advance(seconds)


class MemoryMachine(KeyedMachine):
    def make_store(self) -> MemoryStore:
        self.clock = Clock()
        return MemoryStore(clock=self.clock)

    def move_clock(self, seconds: int) -> None:
        self.clock.advance(seconds)


@pytest.mark.parametrize("kind", list(MACHINES))
def test_the_memory_stores_entries_and_the_model_never_differ(kind: str) -> None:
    assert_no_difference(MemoryMachine, kind)
