"""A journal of every committed change of turns, deliveries and leases, kept by the database itself.

Triggers write it, so nothing that the runtime does, and no other reader, can leave anything out.
"""

from typing import Any

from django.db import connection

from botstate.models import Delivery, ThreadLease, Turn
from soak.evidence import Entry

TABLE = "soak_journal"
_COLUMNS = "kind, row_id, thread_id, status, attempts, fence, expires_us, at_us"
_TABLES = {"turn": Turn._meta.db_table, "delivery": Delivery._meta.db_table, "lease": ThreadLease._meta.db_table}
_VALUES = {
    "turn": "'turn', NEW.id, NEW.thread_id, NEW.status, NEW.attempts, NEW.fence, 0",
    "delivery": "'delivery', NEW.id, NEW.thread_id, NEW.status, NEW.attempts, 0, 0",
    "lease": "'lease', NEW.thread_id, NEW.thread_id, CASE WHEN NEW.token = '' THEN 'free' ELSE 'held' END, 0,"
    " NEW.fence, NEW.expires_us",
}
#: The time at which the trigger runs, which is after the row was locked.
_NOW = {
    "postgresql": "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', CONVERT_TZ(SYSDATE(6), @@session.time_zone, '+00:00'))",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
}
_ID = {
    "postgresql": "bigserial PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
}


def begin() -> None:
    """Create the table and the triggers in the default database."""
    _execute(
        f"CREATE TABLE {TABLE} (id {_ID[connection.vendor]}, kind varchar(10), row_id bigint, thread_id bigint,"
        " status varchar(20), attempts integer, fence bigint, expires_us bigint, at_us bigint)"
    )
    for kind, table in _TABLES.items():
        insert = f"INSERT INTO {TABLE} ({_COLUMNS}) VALUES ({_VALUES[kind]}, {_NOW[connection.vendor]})"
        if connection.vendor == "postgresql":
            _execute(
                f"CREATE FUNCTION {_name(kind)}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $$ BEGIN {insert}; RETURN NULL; END $$"
            )
            _execute(
                f"CREATE TRIGGER {_name(kind)} AFTER INSERT OR UPDATE ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {_name(kind)}()"
            )
            continue
        body = f"BEGIN {insert}; END" if connection.vendor == "sqlite" else insert
        for event in ("INSERT", "UPDATE"):
            _execute(f"CREATE TRIGGER {_name(kind, event)} AFTER {event} ON {table} FOR EACH ROW {body}")


def end() -> None:
    """Drop the triggers and the table again."""
    for kind, table in _TABLES.items():
        if connection.vendor == "postgresql":
            _execute(f"DROP TRIGGER IF EXISTS {_name(kind)} ON {table}")
            _execute(f"DROP FUNCTION IF EXISTS {_name(kind)}()")
            continue
        for event in ("INSERT", "UPDATE"):
            _execute(f"DROP TRIGGER IF EXISTS {_name(kind, event)}")
    _execute(f"DROP TABLE IF EXISTS {TABLE}")


def read() -> list[Entry]:
    """Return every entry in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {_COLUMNS} FROM {TABLE} ORDER BY id")
        return [Entry(*_row(row)) for row in cursor.fetchall()]


def _row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value if isinstance(value, str) else int(value) for value in row)


def _name(kind: str, event: str = "") -> str:
    return f"soak_note_{kind}_{event}".rstrip("_").lower()


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
