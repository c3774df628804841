"""Running one Block through Django's cursor: alone where the store owns the transaction, joined in the caller's."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import Error, connections

from botstate.db.errors import translated_errors
from botstate.db.transactions import run_statement, run_statement_alone
from botstate.stores.orm.mariadb.blocks import Block

Parameters = Mapping[str, Any]
Row = tuple[Any, ...]


class Statements:
    """Runs Blocks on the database `using`. Raises StoreUnavailable, StoreError and django.db.IntegrityError.

    Deadlocks and lock timeouts are retried, bounded, only where a Block runs by itself.
    """

    def __init__(self, using: str) -> None:
        self._using = using

    def is_mariadb(self) -> bool:
        """Ask the server, MySQL or MariaDB; the connection remembers what it was told when it was made."""
        with translated_errors(self._using):
            return bool(self._connected().mysql_is_mariadb)

    def join(self, block: Block, parameters: Parameters) -> list[Row]:
        """Run one in the caller's transaction, or by itself where there is none, and return its rows."""
        return run_statement(self._using, partial(self._run, block, parameters))

    def run_alone(self, block: Block, parameters: Parameters, what: str) -> list[Row]:
        """Run one by itself and return its rows: it is committed then.

        Inside the caller's transaction it raises StoreError, because others must see its effect at once; `what` names
        it in the error.
        """
        return run_statement_alone(self._using, partial(self._run, block, parameters), what)

    def refuse_inside_transaction(self, what: str) -> None:
        """Raise StoreError where `run_alone` would."""
        run_statement_alone(self._using, lambda: None, what)

    def _connected(self) -> Any:
        """Return the connection; before it is connected, it does not know whether it commits by itself."""
        connection: Any = connections[self._using]
        if connection.connection is None:
            connection.ensure_connection()
        return connection

    def _run(self, block: Block, parameters: Parameters) -> list[Row]:
        connection = self._connected()
        if connection.in_atomic_block or not connection.autocommit:
            return _execute(connection, block.joined, parameters)
        try:
            return _execute(connection, block.alone, parameters)
        except BaseException:
            # The block ends where it failed, and leaves its transaction open.
            with suppress(Error):
                connection.rollback()
            raise


def _execute(connection: Any, sql: str, parameters: Parameters) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = list(cursor.fetchall()) if cursor.description else []
        # A compound statement's rows are followed by the result of the statement itself.
        while cursor.nextset():
            pass
        return rows
