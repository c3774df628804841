"""What is wrong with a database that holds a store, in words: asked by `botstate_doctor`."""

import time

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from botstate.db.clock import now_us
from botstate.db.errors import translated_errors
from botstate.db.postgresql import shared_sessions

#: Slack's signatures are fresh for 5 minutes by the web host's clock; everything else goes by the store's.
MAX_SKEW_S = 30
#: Of MariaDB's: one reads statements as another language, the other an empty token as NULL.
UNFIT_MODES = ("ORACLE", "EMPTY_STRING_IS_NULL")


def examine_database(using: str, prepares: bool) -> list[str]:
    """Return what is wrong, a line each. prepares: the store's sessions keep statements prepared, where they can.

    Raises StoreError, StoreUnavailable.
    """
    with translated_errors(using):
        shared = shared_sessions(using, "its store needs the option prepare=False") if prepares else []
        return [*_unmigrated(using), *_skew(using), *_journal(using), *_modes(using), *shared]


def _unmigrated(using: str) -> list[str]:
    executor = MigrationExecutor(connections[using])
    leaves = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "botstate"]
    missing = [migration.name for migration, _ in executor.migration_plan(leaves) if migration.app_label == "botstate"]
    return [f"database {using!r} lacks the migrations {', '.join(missing)}: run manage.py migrate"] if missing else []


def _skew(using: str) -> list[str]:
    skew_s = time.time() - now_us(using) / 1_000_000
    if abs(skew_s) <= MAX_SKEW_S:
        return []
    return [
        f"this host's clock is {skew_s:+.0f} s off that of database {using!r}: signatures are judged by this host's"
    ]


def _journal(using: str) -> list[str]:
    connection = connections[using]
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = str(cursor.fetchone()[0])
    in_memory = mode == "memory"
    return [] if mode == "wal" or in_memory else [f"SQLite database {using!r} uses journal_mode {mode}, not WAL"]


def _modes(using: str) -> list[str]:
    connection = connections[using]
    if connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@sql_mode")
        modes = str(cursor.fetchone()[0]).split(",")
    unfit = [mode for mode in UNFIT_MODES if mode in modes]
    return [f"database {using!r} has the sql_mode {', '.join(unfit)}, which no store works with"] if unfit else []
