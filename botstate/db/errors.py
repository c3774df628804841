"""Which database errors pass, which mean that the server is away, and their botstate names."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, IntegrityError, InterfaceError, OperationalError, ProgrammingError, connections
from django.db.transaction import TransactionManagementError

from botstate.exceptions import StoreError, StoreUnavailable

# Deadlock and serialization failure (PostgreSQL); deadlock, lock wait timeout (MySQL, MariaDB); busy, locked, a race
# of many that open one file (SQLite, whose extended codes, as SQLITE_BUSY_RECOVERY, end with the byte of the primary).
_RETRYABLE_SQLSTATES = {"40001", "40P01"}
_RETRYABLE_MYSQL = {1213, 1205}
_RETRYABLE_SQLITE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
#: What PostgreSQL says after a statement of the transaction failed, and where it only reads, as a standby does.
_FAILED_BEFORE = "25P02"
_READ_ONLY = "25006"
_PACKET_TOO_LARGE = 1153


def is_retryable(error: BaseException) -> bool:
    """True for an error after which the same transaction, run again, can succeed."""
    cause = error.__cause__ or error
    if _sqlstate(error) in _RETRYABLE_SQLSTATES:
        return True
    if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _RETRYABLE_SQLITE:
        return True
    return isinstance(error, OperationalError) and bool(error.args) and error.args[0] in _RETRYABLE_MYSQL


def described(error: BaseException) -> str:
    """Return the driver's name and code of a database error, such as "OperationalError SQLITE_BUSY"; no text of it.

    What its text says may hold values.
    """
    cause = error.__cause__ or error
    # MySQL's drivers give a number first; SQLSTATE says less there.
    code = next((first for first in cause.args[:1] if isinstance(first, int)), None)
    code = code or _sqlstate(error) or getattr(cause, "sqlite_errorname", None)
    return type(cause).__name__ if code is None else f"{type(cause).__name__} {code}"


def _sqlstate(error: BaseException) -> Any:
    return getattr(error.__cause__ or error, "sqlstate", None)


_UNMIGRATED = "database {!r} refused a statement; has `manage.py migrate` been run on it?"


@contextmanager
def translated_errors(using: str) -> Iterator[None]:
    """Turn Django's database errors into StoreError and StoreUnavailable, and drop a connection that broke."""
    try:
        yield
    except IntegrityError:
        # A constraint is the business of whoever relies on it.
        raise
    except TransactionManagementError as error:
        raise _failed_before(using) from error
    except ProgrammingError as error:
        raise StoreError(_UNMIGRATED.format(using)) from error
    except (OperationalError, InterfaceError) as error:
        if "no such table" in str(error):
            raise StoreError(_UNMIGRATED.format(using)) from error
        _drop_broken_connection(using)
        if error.args[:1] == (_PACKET_TOO_LARGE,):
            # It would be as large the next time.
            raise StoreError(
                f"database {using!r} takes no statement of that size: see its max_allowed_packet"
            ) from error
        raise _unavailable(using, error) from error
    except Error as error:
        if _sqlstate(error) == _FAILED_BEFORE:
            raise _failed_before(using) from error
        if _sqlstate(error) == _READ_ONLY:
            _leave_standby(using)
            raise _unavailable(using, error) from error
        raise StoreError(f"database {using!r} failed ({described(error)})") from error


def _failed_before(using: str) -> StoreError:
    return StoreError(f"the transaction on database {using!r} has failed before, and can only be rolled back")


def _unavailable(using: str, error: BaseException) -> StoreUnavailable:
    return StoreUnavailable(f"database {using!r} is unavailable ({described(error)})")


def _leave_standby(using: str) -> None:
    """Close a connection to what was the primary before a failover, so that the next call can reach the new one."""
    connection = connections[using]
    if not connection.in_atomic_block and connection.autocommit:
        connection.close()


def _drop_broken_connection(using: str) -> None:
    connection = connections[using]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
