"""The two kinds of transaction: botstate's own, and the caller's that it joins."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.db import Error, connections, transaction

from botstate.db.errors import is_retryable, translated_errors
from botstate.db.sqlite import run_when_unlocked
from botstate.exceptions import StoreError

MAX_ATTEMPTS = 12
FIRST_BACKOFF_S = 0.002
MAX_BACKOFF_S = 0.25
#: After that nothing is tried again: each attempt may wait for a lock as long as the database's settings allow.
RETRIED_WITHIN_S = 2.0

T = TypeVar("T")


def run_durable(
    using: str, operation: Callable[[], T], what: str = "this operation", within_s: float | None = None
) -> T:
    """Run `operation` in a transaction of its own and return its result once that has committed.

    Deadlocks, serialization failures, MariaDB's lock timeouts and a busy SQLite are retried, with jitter, at most 12
    times and never 2 s after it began; so `operation` may run more than once. Inside the caller's transaction it raises
    StoreError, because its effect must be seen by others before it returns; `what` names it in the error. within_s: how
    long it may take in all, if at most two of its statements wait for a lock; PostgreSQL enforces half of it on each.
    Raises StoreUnavailable.
    """

    def attempt() -> T:
        _refuse_callers_transaction(using, what)
        return _run_once(using, operation, within_s)

    return _retried(using, attempt, within_s)


def run_joined(using: str, operation: Callable[[], T]) -> T:
    """Run `operation` in the caller's transaction on `using`, or in one of its own where there is none.

    Retries only what is its own: inside the caller's transaction a deadlock is a StoreError.
    """
    connection: Any = connections[using]
    if connection.in_atomic_block:
        return _run_within(using, operation)

    def attempt() -> T:
        if connection.connection is None:
            # Before it is connected, it does not know whether it commits by itself.
            connection.ensure_connection()
        if connection.autocommit:
            return _run_once(using, operation, None)
        _begin_callers(connection)
        return _run_within(using, operation)

    return _retried(using, attempt, None)


def run_statement(using: str, statement: Callable[[], T], *, is_write: bool = False) -> T:
    """Run one statement, in the caller's transaction on `using` or, where there is none, in no other than its own.

    A read that began a transaction of botstate's would take the lock that SQLite's writers need.
    """
    if connections[using].in_atomic_block:
        return _run_within(using, statement)
    return _retried(using, (lambda: _write(using, statement)) if is_write else statement, None)


def run_statement_alone(using: str, statement: Callable[[], T], what: str) -> T:
    """Run one statement that writes in no transaction but its own: it is committed then.

    Inside the caller's transaction it raises StoreError, as `run_durable` does; `what` names it in the error.
    """

    def attempt() -> T:
        _refuse_callers_transaction(using, what)
        return _write(using, statement)

    return _retried(using, attempt, None)


def close_connection(using: str, what: str) -> None:
    """Close the calling thread's connection to `using`; it opens again by itself.

    Inside the caller's transaction, which would be lost without a word, it raises StoreError; `what` names it there.
    """
    connection: Any = connections[using]
    if not _is_in_callers_transaction(connection):
        connection.close()
    elif not _is_in_test_cases(connection):
        raise StoreError(
            f"{what} would undo what was written, so it cannot run inside transaction.atomic() on {using!r}"
        )


def _write(using: str, statement: Callable[[], T]) -> T:
    """Run a statement that is a transaction by itself, unless autocommit is off."""
    connection: Any = connections[using]
    if connection.vendor != "sqlite" or _is_in_callers_transaction(connection):
        return statement()
    connection.ensure_connection()
    return run_when_unlocked(connection, statement)


def _run_within(using: str, operation: Callable[[], T]) -> T:
    """Run `operation` in the caller's transaction, which can only be rolled back if that fails half-way."""
    with translated_errors(using), transaction.mark_for_rollback_on_error(using):
        return operation()


def _begin_callers(connection: Any) -> None:
    """Begin what SQLite would begin at the first write, when what was read before it may no longer be true."""
    if connection.vendor == "sqlite" and not connection.connection.in_transaction:
        with connection.cursor() as cursor:
            run_when_unlocked(connection, lambda: cursor.execute("BEGIN IMMEDIATE"))


def _retried(using: str, attempt: Callable[[], T], within_s: float | None) -> T:
    begun_at = time.monotonic()
    try:
        return attempt()
    except Error as error:
        return _recover(using, attempt, within_s, begun_at, error)


def _recover(using: str, attempt: Callable[[], T], within_s: float | None, begun_at: float, error: Error) -> T:
    """Make the other attempts after one, begun at `begun_at`, that failed with `error`."""
    attempted_at, backoff = begun_at, FIRST_BACKOFF_S
    with translated_errors(using):
        for _ in range(MAX_ATTEMPTS - 1):
            if not is_retryable(error) or _is_in_callers_transaction(connections[using]):
                raise error
            failed_at = time.monotonic()
            if within_s is None:
                is_late = failed_at > begun_at + RETRIED_WITHIN_S
            else:
                # The next attempt may wait as long for a lock as this one did.
                is_late = 2 * failed_at - attempted_at + backoff > begun_at + within_s
            if is_late:
                raise error
            time.sleep(random.uniform(backoff / 2, backoff))
            backoff = min(backoff * 2, MAX_BACKOFF_S)
            attempted_at = time.monotonic()
            try:
                return attempt()
            except Error as another:
                error = another
        raise error


def _is_in_callers_transaction(connection: Any) -> bool:
    # Before it is connected, it does not know whether it commits by itself.
    return bool(connection.in_atomic_block or (connection.connection is not None and not connection.autocommit))


def _is_in_test_cases(connection: Any) -> bool:
    """True in the transaction of Django's TestCase, which is nobody's, as for `atomic(durable=True)`."""
    return bool(connection.atomic_blocks and connection.atomic_blocks[-1]._from_testcase)


def _refuse_callers_transaction(using: str, what: str) -> None:
    connection: Any = connections[using]
    if connection.connection is None and not connection.in_atomic_block:
        connection.ensure_connection()
    if _is_in_callers_transaction(connection) and not _is_in_test_cases(connection):
        raise StoreError(
            f"{what} takes effect for others at once, so it cannot run inside transaction.atomic() on {using!r}"
        )


def _run_once(using: str, operation: Callable[[], T], within_s: float | None) -> T:
    if within_s is None:
        with _OwnTransaction(using):
            return operation()
    with _short_lock_waits(using), _OwnTransaction(using, within_s):
        _limit_statements(using, within_s)
        return operation()


class _OwnTransaction:
    """An `atomic` block that begins IMMEDIATE on SQLite. A class, as that takes a third of a generator's time."""

    def __init__(self, using: str, within_s: float | None = None) -> None:
        self._using = using
        self._within_s = within_s
        self._atomic: Any = transaction.atomic(using=using, durable=True)

    def __enter__(self) -> None:
        connection: Any = connections[self._using]
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            self._begin_immediate(connection)
        else:
            self._atomic.__enter__()

    def __exit__(self, *raised: Any) -> None:
        self._atomic.__exit__(*raised)

    def _begin_immediate(self, connection: Any) -> None:
        """Take SQLite's write lock at BEGIN: a read lock that is upgraded later fails with "database is locked"."""
        connection.ensure_connection()
        configured = connection.transaction_mode
        connection.transaction_mode = "IMMEDIATE"
        try:
            run_when_unlocked(connection, self._atomic.__enter__, self._within_s)
        finally:
            connection.transaction_mode = configured


def _limit_statements(using: str, within_s: float) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {max(1, int(within_s * 500))}")


@contextmanager
def _short_lock_waits(using: str) -> Iterator[None]:
    """Let MariaDB and MySQL wait 1 s for a lock, the least they can, instead of 50; a wait that fails is retried."""
    connection = connections[using]
    if connection.vendor != "mysql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    try:
        yield
    finally:
        # A connection that broke meanwhile has nothing left to set back.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = DEFAULT")
