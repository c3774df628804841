"""Database sessions as the server sees them: who they are, whether they live or wait, and how to end them."""

import re
import sys
from traceback import walk_stack
from typing import Any

from django.db import connection, connections

from botstate.db.sqlite import run_when_unlocked
from tests.stores.waiting import lock_waiters as postgresql_lock_waiters
from tests.stores.waiting import until

_WAITING_TRANSACTION = re.compile(r"^LOCK WAIT .*\n(?:.*\n){0,3}?MariaDB thread id (\d+)", re.MULTILINE)


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
    """Return how many sessions of the test database wait for a row lock.

    On SQLite, which has no server to ask: how many threads are about to take its one lock.
    """
    if connection.vendor == "postgresql":
        return postgresql_lock_waiters()
    if connection.vendor == "sqlite":
        tops = sys._current_frames().values()
        return sum(any(frame.f_code is run_when_unlocked.__code__ for frame, _ in walk_stack(top)) for top in tops)
    return _mariadb_lock_waiters()


def _mariadb_lock_waiters() -> int:
    """Ask InnoDB's monitor: its tables of transactions stay old while anybody reads them ten times a second."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW ENGINE INNODB STATUS")
        waiting = _WAITING_TRANSACTION.findall(cursor.fetchone()[2])
        if not waiting:
            return 0
        cursor.execute(
            f"SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID IN ({','.join(waiting)})"
        )
        return int(cursor.fetchone()[0])
