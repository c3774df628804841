"""What the SQLite facets share: running their statements, alone or several in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connections

from botstate.contracts.addresses import Address, readable
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.db.transactions import run_statement, run_statement_alone
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.sqlite.clock import teach_clock

T = TypeVar("T")
Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
#: Runs one statement and returns its rows.
Execute = Callable[[str, Parameters], list[Row]]

#: True of a row that has not expired. RETURNING takes "expires_us IS NULL" for false in SQLite 3.38 and some after it.
LIVE = "COALESCE(expires_us > botstate_now(), TRUE)"
#: More than any index or bound that a table can reach, and far from overflowing SQLite's integers.
MOST = 2**62


class SqliteFacet(OrmFacet):
    """A facet with its own SQL. A statement that writes takes SQLite's write lock before it looks at any row."""

    def __init__(
        self, using: str = "default", namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES
    ) -> None:
        super().__init__(using, namespace, max_value_bytes)
        self._readable_namespace = readable(namespace)[:255]

    def _fetch(self, sql: str, parameters: Parameters, *, is_write: bool = False) -> list[Row]:
        """Run a statement in the caller's transaction, or by itself; return its rows."""
        return run_statement(
            self._using, lambda: self._with_cursor(lambda execute: execute(sql, parameters)), is_write=is_write
        )

    def _row(self, sql: str, parameters: Parameters, *, is_write: bool = False) -> Row | None:
        """Run a statement as `_fetch` does; return its first row."""
        rows = self._fetch(sql, parameters, is_write=is_write)
        return rows[0] if rows else None

    def _row_alone(self, method: str, sql: str, parameters: Parameters) -> Row | None:
        """Run a statement that writes by itself, never in the caller's transaction; return its first row."""
        rows = run_statement_alone(
            self._using,
            lambda: self._with_cursor(lambda execute: execute(sql, parameters)),
            f"store.{self.name}.{method}",
        )
        return rows[0] if rows else None

    def _together(self, operation: Callable[[Execute], T]) -> T:
        """Run several statements in the caller's transaction, or in one of their own, that begins IMMEDIATE."""
        return self._joined(lambda: self._with_cursor(operation))

    def _together_alone(self, method: str, operation: Callable[[Execute], T]) -> T:
        """Run several statements in a transaction of their own, never in the caller's."""
        return self._durable(lambda: self._with_cursor(operation), method)

    def _with_cursor(self, operation: Callable[[Execute], T]) -> T:
        connection = connections[self._using]
        with connection.cursor() as cursor:
            teach_clock(connection)

            def execute(sql: str, parameters: Parameters) -> list[Row]:
                cursor.execute(sql, parameters)
                # By itself, a statement that returns rows is committed once all of them are fetched.
                rows: list[Row] = cursor.fetchall()
                return rows

            return operation(execute)

    def _identity(self, address: Address) -> tuple[str, str, str]:
        """Return the columns that name a row."""
        return address.digest, self._readable_namespace, address.label


def integer(value: int) -> int:
    """Return a bound or index as SQLite can take it."""
    return min(value, MOST)
