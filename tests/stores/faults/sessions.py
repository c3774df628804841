"""Database sessions as the server sees them: who they are, whether they live or wait, and how to end them."""

import time
from typing import Any

from django.db import connection, connections

from tests.stores.waiting import lock_waiters as postgresql_lock_waiters
from tests.stores.waiting import until

#: InnoDB gives what it gave before to whoever asks for transactions again within a tenth of a second.
MARIADB_REFRESHES_AFTER_S = 0.12
_mariadb = {"asked_at": 0.0, "waiters": 0.0}


def session_id(alias: str) -> int:
    """Return what the server calls this thread's connection; asks nobody."""
    driver: Any = connections[alias].connection
    return int(driver.info.backend_pid if connection.vendor == "postgresql" else driver.thread_id())


def is_alive(session: int) -> bool:
    """True while the server has it."""
    sql = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid = %s",
        "mysql": "SELECT count(*) FROM information_schema.PROCESSLIST WHERE ID = %s",
    }[connection.vendor]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(sql, [session])
        return bool(cursor.fetchone()[0])


def end_session(session: int) -> None:
    """Cut a connection from the server's side, and wait until it is gone."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s)", [session])
        else:
            cursor.execute(f"KILL CONNECTION {session}")
    until(lambda: not is_alive(session), "the server has ended the session")


def lock_waiters() -> int:
    """Return how many sessions of the test database wait for a row lock; on MariaDB a moment ago."""
    if connection.vendor == "postgresql":
        return postgresql_lock_waiters()
    now = time.monotonic()
    if now - _mariadb["asked_at"] > MARIADB_REFRESHES_AFTER_S:
        _mariadb["waiters"] = _mariadb_lock_waiters()
        _mariadb["asked_at"] = time.monotonic()
    return int(_mariadb["waiters"])


def _mariadb_lock_waiters() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM information_schema.INNODB_TRX JOIN information_schema.PROCESSLIST"
            " ON ID = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND DB = DATABASE()"
        )
        return int(cursor.fetchone()[0])
