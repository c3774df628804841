"""The two kinds of transaction: botstate's own, and the caller's that it joins."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

from django.db import Error, connections, transaction

from botstate.db.errors import is_retryable, translated_errors
from botstate.exceptions import StoreError

MAX_ATTEMPTS = 12
FIRST_BACKOFF_S = 0.002
MAX_BACKOFF_S = 0.25

T = TypeVar("T")


def run_durable(
    using: str, operation: Callable[[], T], what: str = "this operation", within_s: float | None = None
) -> T:
    """Run `operation` in a transaction of its own and return its result once that has committed.

    Deadlocks, serialization failures and a busy SQLite are retried, bounded, with jitter, so `operation` may run
    more than once. Inside the caller's transaction it raises StoreError, because its effect must be seen by others
    before it returns; `what` names it in the error. within_s: how long it may take in all, if at most two of its
    statements wait for a lock; PostgreSQL enforces half of it on each. Raises StoreUnavailable.
    """
    return _retried(using, lambda: _run_once(using, operation, what, within_s), within_s)


def run_joined(using: str, operation: Callable[[], T]) -> T:
    """Run `operation` in the caller's transaction on `using`, or in one of its own where there is none.

    Retries only what is its own: inside the caller's transaction a deadlock is a StoreError.
    """
    if connections[using].in_atomic_block:
        with translated_errors(using):
            return operation()
    return _retried(using, lambda: _run_once(using, operation, "this operation", None), None)


def run_statement(using: str, statement: Callable[[], T]) -> T:
    """Run one statement, in the caller's transaction on `using` or, where there is none, in no other than its own.

    For reads, above all: on SQLite a transaction of botstate's would take the lock that writers need.
    """
    if connections[using].in_atomic_block:
        with translated_errors(using):
            return statement()
    return _retried(using, statement, None)


def _retried(using: str, attempt: Callable[[], T], within_s: float | None) -> T:
    begun_at = time.monotonic()
    backoff = FIRST_BACKOFF_S
    with translated_errors(using):
        for _ in range(MAX_ATTEMPTS - 1):
            attempted_at = time.monotonic()
            try:
                return attempt()
            except Error as error:
                if not is_retryable(error) or connections[using].in_atomic_block:
                    raise
                # The next attempt may wait as long for a lock as this one did.
                failed_at = time.monotonic()
                if within_s is not None and 2 * failed_at - attempted_at + backoff > begun_at + within_s:
                    raise
            time.sleep(random.uniform(backoff / 2, backoff))
            backoff = min(backoff * 2, MAX_BACKOFF_S)
        return attempt()


def _run_once(using: str, operation: Callable[[], T], what: str, within_s: float | None) -> T:
    with ExitStack() as stack:
        if within_s is not None:
            stack.enter_context(_short_lock_waits(using))
        try:
            with _immediate(using):
                stack.enter_context(transaction.atomic(using=using, durable=True))
        except RuntimeError as error:
            raise StoreError(
                f"{what} takes effect for others at once, so it cannot run inside transaction.atomic() on {using!r}"
            ) from error
        if within_s is not None:
            _limit_statements(using, within_s)
        return operation()


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


@contextmanager
def _immediate(using: str) -> Iterator[None]:
    """Make SQLite take its write lock at BEGIN: a read lock that is upgraded later fails with "database is locked"."""
    connection: Any = connections[using]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    configured = connection.transaction_mode
    connection.transaction_mode = "IMMEDIATE"
    try:
        yield
    finally:
        connection.transaction_mode = configured
