"""Locking a batch of rows without waiting for anybody."""

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
