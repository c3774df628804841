"""The shipped conformance suite on the memory store."""

from typing import ClassVar

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import MemoryStore
from botstate.testing import StoreConformance
from tests.stores.memory.clock import Clock

pytestmark = pytest.mark.once


class TestMemoryStore(StoreConformance):
    short: ClassVar[float] = 30

    @pytest.fixture
    def store(self) -> StateStore:
        self.clock = Clock()
        return MemoryStore(clock=self.clock)

    def advance(self, store: StateStore, seconds: float) -> None:
        self.clock.advance(seconds)
