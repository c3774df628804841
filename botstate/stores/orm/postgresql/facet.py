"""What the fast facets share: running their statements, and how arguments are given to them."""

from typing import Any

from botstate.contracts.addresses import Address, readable
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.db.postgresql.prepared import Parameters
from botstate.db.postgresql.statements import Statements
from botstate.stores.orm.facet import OrmFacet

#: More than any index or bound that a table can reach, and far from overflowing a bigint.
MOST = 2**62


class FastFacet(OrmFacet):
    """A facet whose operations are one statement each. prepare: see `Statements`."""

    def __init__(
        self,
        using: str = "default",
        namespace: str = "",
        max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES,
        prepare: bool = True,
    ) -> None:
        super().__init__(using, namespace, max_value_bytes)
        self._statements = Statements(using, prepare)
        self._readable_namespace = readable(namespace)[:255]

    def _value(self, sql: str, *parameters: object) -> Any:
        """Run a statement in the caller's transaction, or by itself; return its one value, None where it has no row."""
        rows = self._statements.join(sql, parameters)
        return rows[0][0] if rows else None

    def _value_alone(self, method: str, sql: str, *parameters: object) -> Any:
        """Run a statement by itself, never in the caller's transaction; return what `_value` does."""
        row = self._row_alone(method, sql, parameters)
        return row[0] if row else None

    def _row_alone(self, method: str, sql: str, parameters: Parameters) -> tuple[Any, ...] | None:
        """Run a statement by itself, never in the caller's transaction; return its first row."""
        rows = self._statements.run_alone(sql, parameters, f"store.{self.name}.{method}")
        return rows[0] if rows else None

    def _identity(self, address: Address) -> tuple[str, str, str]:
        """Return the columns that name a row."""
        return address.digest, self._readable_namespace, address.label


def integer(value: int | None) -> str | None:
    """Return a parameter for a bigint: as text, so that one prepared statement serves for every size, and for None."""
    return None if value is None else str(min(value, MOST))
