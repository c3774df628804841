"""MemoryStore and the plain Python model are driven side by side, and no difference is found."""

import pytest

from botstate.stores import MemoryStore
from tests.stores.machine import MACHINES, StoreMachine, assert_no_difference
from tests.stores.memory.clock import Clock

pytestmark = [pytest.mark.long, pytest.mark.once]


class MemoryMachine(StoreMachine):
    def make_store(self) -> MemoryStore:
        self.clock = Clock()
        return MemoryStore(clock=self.clock)

    def move_clock(self, seconds: int) -> None:
        self.clock.advance(seconds)


@pytest.mark.parametrize("facet", MACHINES)
def test_the_memory_store_and_the_model_never_differ(facet: str | None) -> None:
    assert_no_difference(MemoryMachine, facet)
