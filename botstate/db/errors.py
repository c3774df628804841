"""Which database errors pass, which mean that the server is away, and their botstate names."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, IntegrityError, InterfaceError, OperationalError, ProgrammingError, connections

from botstate.exceptions import StoreError, StoreUnavailable

# Deadlock and serialization failure (PostgreSQL); deadlock, lock wait timeout (MySQL, MariaDB); busy, locked, a race
# of many that open one file (SQLite, whose extended codes, as SQLITE_BUSY_RECOVERY, end with the byte of the primary).
_RETRYABLE_SQLSTATES = {"40001", "40P01"}
_RETRYABLE_MYSQL = {1213, 1205}
_RETRYABLE_SQLITE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


def is_retryable(error: BaseException) -> bool:
    """True for an error after which the same transaction, run again, can succeed."""
    cause = error.__cause__ or error
    if getattr(cause, "sqlstate", None) in _RETRYABLE_SQLSTATES:
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
    code = code or getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return type(cause).__name__ if code is None else f"{type(cause).__name__} {code}"


_UNMIGRATED = "database {!r} refused a statement; has `manage.py migrate` been run on it?"


@contextmanager
def translated_errors(using: str) -> Iterator[None]:
    """Turn Django's database errors into StoreError and StoreUnavailable, and drop a connection that broke."""
    try:
        yield
    except IntegrityError:
        # A constraint is the business of whoever relies on it.
        raise
    except ProgrammingError as error:
        raise StoreError(_UNMIGRATED.format(using)) from error
    except (OperationalError, InterfaceError) as error:
        if "no such table" in str(error):
            raise StoreError(_UNMIGRATED.format(using)) from error
        _drop_broken_connection(using)
        raise StoreUnavailable(f"database {using!r} is unavailable ({described(error)})") from error
    except Error as error:
        raise StoreError(f"database {using!r} failed ({described(error)})") from error


def _drop_broken_connection(using: str) -> None:
    connection = connections[using]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
