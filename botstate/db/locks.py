"""Locking rows that other rows refer to."""

from typing import TypeVar

from django.db import connections
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def locked(using: str, rows: "QuerySet[M]") -> "QuerySet[M]":
    """Lock rows for a change that leaves their keys alone.

    On PostgreSQL others may then insert rows that refer to them; a plain FOR UPDATE would make those wait, and
    whoever holds another lock meanwhile, such as a lease's, would be in a deadlock.
    """
    return rows.select_for_update(no_key=connections[using].features.has_select_for_no_key_update)
