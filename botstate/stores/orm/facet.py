"""What the ORM facets share: an alias, and the two kinds of transaction on it."""

from collections.abc import Callable
from typing import TypeVar

from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES, Facet
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable, run_joined, run_statement

T = TypeVar("T")


class OrmFacet(Facet):
    """A facet whose rows live in the database `using`."""

    def __init__(
        self, using: str = "default", namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES
    ) -> None:
        super().__init__(namespace, max_value_bytes)
        self._using = using

    def _joined(self, operation: Callable[[], T]) -> T:
        return run_joined(self._using, operation)

    def _read(self, statement: Callable[[], T]) -> T:
        return run_statement(self._using, statement)

    def _durable(self, operation: Callable[[], T], method: str) -> T:
        return run_durable(self._using, operation, f"store.{self.name}.{method}")

    def _now_us(self) -> int:
        return now_us(self._using)
