"""How the runtime runs its statements on PostgreSQL."""

from functools import lru_cache

from django.db import connections

from botstate.db.postgresql.statements import Statements


@lru_cache(maxsize=10)
def runtime_statements(using: str) -> Statements:
    """Return what runs them on the alias.

    They are kept prepared, unless the alias says that its sessions are shared, as behind PgBouncer in transaction mode:
    by Django's own DISABLE_SERVER_SIDE_CURSORS.
    """
    return Statements(using, prepare=not connections[using].settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))
