"""PostgreSQL: statements that the server keeps prepared, and database functions."""

from functools import cache

from django.db import connections


def has_fast_path(using: str) -> bool:
    """True if the alias is PostgreSQL through psycopg 3; psycopg2 cannot bind parameters on the server."""
    return connections[using].vendor == "postgresql" and _is_psycopg3()


def shared_sessions(using: str, remedy: str) -> list[str]:
    """Return a line that says so, with what to do, where prepared statements would meet the wrong session."""
    if not has_fast_path(using):
        return []
    # Elsewhere there may be no psycopg to import.
    from botstate.db.postgresql.sessions import are_shared  # noqa: PLC0415

    if not are_shared(using):
        return []
    return [f"sessions of database {using!r} are shared, as behind PgBouncer before 1.21 in transaction mode: {remedy}"]


@cache
def _is_psycopg3() -> bool:
    # Elsewhere there may be no psycopg to import.
    from django.db.backends.postgresql.psycopg_any import is_psycopg3  # noqa: PLC0415

    return bool(is_psycopg3)
