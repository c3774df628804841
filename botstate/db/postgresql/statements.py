"""Running one statement as Django would, on a psycopg cursor that Django would not use.

Django's own cursor puts the parameters into the text, so that the server parses and plans it anew each time. Here they
are bound by the server, which keeps the statement prepared. All else is Django's: the connection, its wrappers, its
query log, its exceptions and its rules for a transaction that has failed.
"""

import random
import time
from contextlib import suppress
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import Error, connections
from django.db.backends import utils
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from psycopg.rows import tuple_row

from botstate.db.errors import is_retryable, translated_errors
from botstate.db.postgresql.prepared import Parameters, PreparedStatements, Row
from botstate.db.transactions import FIRST_BACKOFF_S, MAX_ATTEMPTS, MAX_BACKOFF_S, RETRIED_WITHIN_S
from botstate.exceptions import StoreError

#: What PostgreSQL says when a session's prepared statements were discarded, and when the session is another client's.
_NO_SUCH_STATEMENT = "26000"
_STATEMENT_EXISTS = "42P05"


class Statements:
    """Runs statements on the database `using`, each in one round trip (one more where it is first prepared).

    By itself a statement is sent as `PreparedStatements` does; a cursor sends it within transactions, and where others
    want to see it. What the two have prepared in a session is apart.

    prepare: keep them prepared in the session; PgBouncer in transaction mode can take that from 1.21 on.
    Raises StoreUnavailable, StoreError and django.db.IntegrityError.
    """

    def __init__(self, using: str, prepare: bool) -> None:
        self._using = using
        self._prepare = prepare
        #: Where a connection keeps the cursor that was used last: to make one costs a sixth of a read.
        self._spare = f"_botstate_cursor_{prepare}"

    def join(self, sql: str, parameters: Parameters) -> list[Row]:
        """Run one in the caller's transaction, or by itself where there is none, and return its rows.

        Deadlocks and serialization failures are retried, bounded, only where it ran by itself.
        """
        connection: Any = connections[self._using]
        begun_at = time.monotonic()
        try:
            return self._run(connection, sql, parameters)
        except Error as error:
            return self._recover(connection, begun_at, error, sql, parameters)

    def run_alone(self, sql: str, parameters: Parameters, what: str) -> list[Row]:
        """Run one by itself and return its rows: it is committed then.

        Inside the caller's transaction it raises StoreError, because others must see its effect at once; `what` names
        it in the error. Retried as in `join`.
        """
        connection: Any = connections[self._using]
        begun_at = time.monotonic()
        try:
            if connection.connection is None:
                # Before it is connected, it does not know whether it commits by itself.
                connection.ensure_connection()
            if connection.in_atomic_block or not connection.autocommit:
                self.refuse_inside_transaction(what)
            return self._run(connection, sql, parameters)
        except Error as error:
            return self._recover(connection, begun_at, error, sql, parameters)

    def refuse_inside_transaction(self, what: str) -> None:
        """Raise StoreError inside the caller's transaction. That of Django's TestCase is nobody's, as for `durable`."""
        connection: Any = connections[self._using]
        if connection.in_atomic_block:
            with_caller = not connection.atomic_blocks or not connection.atomic_blocks[-1]._from_testcase
        else:
            with_caller = connection.connection is not None and not connection.autocommit
        if with_caller:
            raise StoreError(
                f"{what} takes effect for others at once, so it cannot run inside transaction.atomic()"
                f" on {self._using!r}"
            )

    def _run(self, connection: Any, sql: str, parameters: Parameters) -> list[Row]:
        if connection.health_check_enabled:
            connection.close_if_health_check_failed()
        # Whoever replaced `cursor` watches the use of the connection, or forbids it.
        is_watched = connection.force_debug_cursor or settings.DEBUG or "cursor" in connection.__dict__
        is_wrapped = connection.execute_wrappers or _is_execute_replaced() or not apps.ready
        if self._prepare and not (is_watched or is_wrapped or connection.in_atomic_block):
            connection.validate_thread_sharing()
            if connection.connection is None:
                connection.ensure_connection()
            prepared = _run_prepared(connection, sql, parameters)
            if prepared is not None:
                return prepared
        # While it is taken nobody else has it: an execute wrapper may use the store too.
        wrapper = connection.__dict__.pop(self._spare, None)
        if wrapper is None or is_watched or not wrapper.cursor.is_of(connection):
            wrapper = self._new_cursor(connection)
        if is_watched or is_wrapped:
            wrapper.execute(sql, parameters)
        else:
            _execute(connection, wrapper.cursor, sql, parameters)
        rows: list[Row] = wrapper.cursor.fetchall()
        if not is_watched:
            if len(rows) > 1:
                # A cursor holds on to its last result.
                wrapper.cursor.pgresult.clear()
            connection.__dict__[self._spare] = wrapper
        return rows

    def _new_cursor(self, connection: Any) -> CursorWrapper:
        """Return the cursor that Django would use, with ours in the place of the driver's."""
        wrapper: CursorWrapper = connection.cursor()
        cursor_class = _LoggedCursor if isinstance(wrapper, CursorDebugWrapper) else _BindingCursor
        wrapper.cursor = cursor_class(connection.connection, self._prepare)
        return wrapper

    def _recover(self, connection: Any, begun_at: float, error: Error, sql: str, parameters: Parameters) -> list[Row]:
        """Run again what failed, begun at `begun_at`, if that can help and it is ours to repeat; else raise."""
        backoff = FIRST_BACKOFF_S
        with translated_errors(self._using):
            for _ in range(MAX_ATTEMPTS - 1):
                if connection.in_atomic_block:
                    connection.needs_rollback = True
                    connection.rollback_exc = error
                    raise error
                is_late = time.monotonic() > begun_at + RETRIED_WITHIN_S
                if is_late or not connection.autocommit or not self._can_be_repeated(connection, error):
                    raise error
                time.sleep(random.uniform(backoff / 2, backoff))
                backoff = min(backoff * 2, MAX_BACKOFF_S)
                try:
                    return self._run(connection, sql, parameters)
                except Error as another:
                    error = another
            raise error

    def _can_be_repeated(self, connection: Any, error: Error) -> bool:
        state = getattr(error.__cause__, "sqlstate", None)
        if state == _STATEMENT_EXISTS:
            raise StoreError(
                f"sessions of database {self._using!r} are shared, as behind PgBouncer before 1.21: its store needs the"
                " option prepare=False"
            ) from error
        if state == _NO_SUCH_STATEMENT:
            # psycopg forgets the names that it gave when it sees this succeed.
            self._new_cursor(connection).execute("DEALLOCATE ALL", ())
            PreparedStatements.of(connection.connection).forget()
            return True
        return is_retryable(error)


def _is_execute_replaced() -> bool:
    """True where somebody put a function of theirs in the place of Django's, as error trackers do to see statements."""
    return getattr(CursorWrapper.execute, "__globals__", None) is not utils.__dict__


def _run_prepared(connection: Any, sql: str, parameters: Parameters) -> list[Row] | None:
    try:
        return PreparedStatements.of(connection.connection).run(sql, parameters)
    except psycopg.Error:
        with connection.wrap_database_errors:
            raise


def _execute(connection: Any, cursor: "_BindingCursor", sql: str, parameters: Parameters) -> None:
    """Do what Django's wrapper of the cursor does where nobody looks on."""
    connection.validate_no_broken_transaction()
    try:
        cursor.execute(sql, parameters)
    except psycopg.Error:
        with connection.wrap_database_errors:
            raise


class _BindingCursor(psycopg.Cursor[Row]):
    """A cursor whose parameters the server binds, on a connection that is set up for Django's client-side binding."""

    def __init__(self, connection: "psycopg.Connection[Any]", prepare: bool) -> None:
        super().__init__(connection, row_factory=tuple_row)
        self._session = connection
        self._thread = get_ident()
        self._is_preparing = prepare
        # Django switches preparation off for a whole connection, and it stays off for what is not ours.
        self._is_switching = prepare and connection.prepare_threshold is None

    def is_of(self, connection: Any) -> bool:
        """True for Django's connection if it still has this session, and this thread may use it as it did before."""
        return self._session is connection.connection and self._thread == get_ident()

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_BindingCursor":
        """Execute; `prepare` is what the store's option says."""
        if not self._is_switching:
            return super().execute(query, params, prepare=self._is_preparing)
        self._session.prepare_threshold = 0
        try:
            return super().execute(query, params, prepare=True)
        finally:
            self._session.prepare_threshold = None


class _LoggedCursor(_BindingCursor):
    """A cursor that leaves the statement with its parameters where Django's query log looks for it."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_BindingCursor":  # type: ignore[override]
        """Execute as `_BindingCursor` does."""
        try:
            return super().execute(query, params, **options)
        finally:
            with suppress(psycopg.Error):
                text = psycopg.ClientCursor(self.connection).mogrify(query, params)
                self._query = SimpleNamespace(query=text.encode())  # type: ignore[assignment]
