"""What the fast facets share: running their Blocks, how arguments are given to them, and leaving MySQL alone."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from botstate.contracts.addresses import Address
from botstate.contracts.facet import DEFAULT_MAX_VALUE_BYTES
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.mariadb.blocks import Block
from botstate.stores.orm.mariadb.statements import Row, Statements
from botstate.stores.orm.rows import identity

#: More than any index or bound that a table can reach, and far from overflowing a bigint.
MOST = 2**62

P = ParamSpec("P")
R = TypeVar("R")


class FastFacet(OrmFacet):
    """A facet whose operations are one Block each on MariaDB, and those of the portable path on MySQL."""

    def __init__(
        self, using: str = "default", namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES
    ) -> None:
        super().__init__(using, namespace, max_value_bytes)
        self._statements = Statements(using)
        self._is_mariadb: bool | None = None

    def _speaks_mariadb(self) -> bool:
        """Say which of the two the server is: asked at the first use, because that connects."""
        if self._is_mariadb is None:
            self._is_mariadb = self._statements.is_mariadb()
        return self._is_mariadb

    def _rows_of(self, block: Block, address: Address, **parameters: object) -> list[Row]:
        """Run a Block in the caller's transaction, or by itself; return its rows."""
        return self._statements.join(block, _named(address, parameters))

    def _value(self, block: Block, address: Address, **parameters: object) -> Any:
        """Run a Block in the caller's transaction, or by itself; return its one value, None where it has no row."""
        rows = self._rows_of(block, address, **parameters)
        return rows[0][0] if rows else None

    def _row_alone(self, method: str, block: Block, address: Address, **parameters: object) -> Row | None:
        """Run a Block by itself, never in the caller's transaction; return its first row."""
        rows = self._statements.run_alone(block, _named(address, parameters), f"store.{self.name}.{method}")
        return rows[0] if rows else None

    def _value_alone(self, method: str, block: Block, address: Address, **parameters: object) -> Any:
        """Run a Block by itself, never in the caller's transaction; return what `_value` does."""
        row = self._row_alone(method, block, address, **parameters)
        return row[0] if row else None


FacetT = TypeVar("FacetT", bound=FastFacet)


def instead_of(
    portable: Callable[Concatenate[Any, P], R],
) -> Callable[[Callable[Concatenate[FacetT, P], R]], Callable[Concatenate[FacetT, P], R]]:
    """Let a method stand for the `portable` one where the server is MariaDB."""

    def decorate(fast: Callable[Concatenate[FacetT, P], R]) -> Callable[Concatenate[FacetT, P], R]:
        @wraps(fast)
        def chosen(self: FacetT, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return fast(self, *args, **kwargs) if self._speaks_mariadb() else portable(self, *args, **kwargs)

        return chosen

    return decorate


def integer(value: int | None) -> int | None:
    """Return a parameter for a bigint."""
    return None if value is None else min(value, MOST)


def _named(address: Address, parameters: dict[str, object]) -> dict[str, object]:
    return {**identity(address), **parameters}
