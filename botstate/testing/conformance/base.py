"""What every part of the suite stands on, and what a subclass may change."""

import time
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.db import connections

from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.contracts.stores import StateStore
from botstate.testing.conformance.threads import Race, run_race

#: How many threads collide in a race.
RACERS = 8


class ConformanceBase:
    """A `store` fixture must be defined by the subclass; everything here may be overridden.

    short: seconds after which what the tests let expire has expired. A store whose clock `advance` can move should set
    it to half a minute, so that a slow machine changes nothing.
    long: seconds that no test reaches.
    max_value_bytes: the store's bound on the JSON text of one value.
    """

    short: ClassVar[float] = 0.25
    long: ClassVar[float] = 86_400
    max_value_bytes: ClassVar[int] = DEFAULT_MAX_VALUE_BYTES

    def advance(self, store: StateStore, seconds: float) -> None:
        """Let `seconds` pass on the store's clock. Waits for real; override it where that clock can be moved."""
        time.sleep(seconds)

    def end_thread(self, store: StateStore) -> None:
        """Called at the end of each thread of a race: give back what the store holds open for it."""
        connections.close_all()

    @property
    def fraction(self) -> float:
        """Seconds that are no whole number of them, wherever `short` is one."""
        return self.short - min(0.1, self.short / 2)

    @pytest.fixture
    def store(self) -> StateStore:
        raise NotImplementedError("define a `store` fixture that gives the StateStore to be tested")

    @pytest.fixture
    def key(self) -> str:
        """A key that no other test has used, so that a store may be shared."""
        return f"conformance-{uuid4().hex}"

    @pytest.fixture
    def real_transactions(self) -> None:
        """Requested by every test that runs threads. With pytest-django, override it to request `transactional_db`."""

    @pytest.fixture
    def race(self, real_transactions: None, store: StateStore) -> Race:
        """Run a function in many threads at once: `race(function)` calls function(0), function(1) and so on."""

        def run(function: Callable[[int], Any], racers: int = RACERS) -> list[Any]:
            return run_race(function, racers, lambda: self.end_thread(store))

        return run


def refused(what: str, error: type[Exception], call: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """See that the call raises `error`, and return what it says; `what` names it where it does not."""
    try:
        call(*args, **kwargs)
    except error as refusal:
        return str(refusal)
    pytest.fail(f"{what} must raise {error.__name__} for what it refuses")
