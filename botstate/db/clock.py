"""The store's clock, in microseconds since 1970.

On PostgreSQL and MariaDB it is the server's, whatever the session's time zone; on SQLite, which has no server, the
host's. Integers rather than timestamps, so that neither USE_TZ nor a time zone can shift a lease.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, models

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_POSTGRESQL = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
_MYSQL = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"


class StoreNow(models.Expression):
    """The store's clock inside a query, at the time when the statement (PostgreSQL: the row) is evaluated.

    A statement that waits for a row lock reads it before the wait: lock first, then ask `now_us`.
    """

    output_field = models.BigIntegerField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[int, ...]]:
        if connection.vendor == "postgresql":
            return _POSTGRESQL, ()
        if connection.vendor == "mysql":
            return _MYSQL, ()
        return "%s", (host_now_us(),)


def now_us(using: str) -> int:
    """Return the store's clock now. One round trip, none on SQLite."""
    connection = connections[using]
    if connection.vendor not in ("postgresql", "mysql"):
        return host_now_us()
    sql = _POSTGRESQL if connection.vendor == "postgresql" else _MYSQL
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}")
        return int(cursor.fetchone()[0])


def to_datetime(microseconds: int | None) -> datetime | None:
    """Return an aware datetime for display; None stays None."""
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def host_now_us() -> int:
    """Return the host's clock now: the store's on SQLite."""
    return time.time_ns() // 1_000
