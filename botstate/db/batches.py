"""Locking a batch of rows, and deleting it, without waiting for anybody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.models import QuerySet


def locking(using: str, rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """Return `rows` such that reading them locks them; those that others hold are left out.

    On SQLite, which locks the database as a whole, none are left out.
    """
    skip = connections[using].features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=skip)


def lock_batch(using: str, rows: "QuerySet[Any]", size: int) -> list[Any]:
    """Return the primary keys of the first `size` rows, locked as by `locking`."""
    return list(locking(using, rows).values_list("pk", flat=True)[:size])


@contextmanager
def by_index(using: str) -> Iterator[None]:
    """Let what is deleted and updated within be found by an index, so that no row but that is locked, or waited for.

    Where a statement names many of a table's rows, MariaDB would rather read them all, and lock whatever it passes.
    """
    connection: Any = connections[using]
    if connection.vendor != "mysql" or not connection.mysql_is_mariadb:
        yield
        return
    with connection.execute_wrapper(_execute_by_index):
        yield


def _execute_by_index(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    # "Safe" is what MariaDB calls a change that does not read a whole table.
    is_change = sql.startswith(("DELETE ", "UPDATE "))
    return execute(f"SET STATEMENT sql_safe_updates = 1 FOR {sql}" if is_change else sql, *rest)
