"""Statements per operation: counted by the server where it can, else as Django sent them."""

import psycopg

from bench.databases import POSTGRESQL_URL, name_of
from bench.floors import Step
from bench.operations import Operation

COUNTED_CALLS = 20


class ServerCount:
    """pg_stat_statements: what reached the server, BEGIN and COMMIT included, at the top level only."""

    def __init__(self, run: str) -> None:
        self._database = name_of(run, "ours")
        # The extension must be in some database, and goes with this one. It counts what every database does.
        url = psycopg.conninfo.make_conninfo(POSTGRESQL_URL, dbname=name_of(run, "recorder"))
        self._connection = psycopg.connect(url, autocommit=True)
        try:
            self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            self._connection.execute("SELECT count(*) FROM pg_stat_statements")
            self.is_available = True
        except psycopg.Error:
            # This server has not loaded it, or not for us.
            self.is_available = False

    def statements(self, operation: Operation) -> float:
        """Return how many statements a call takes on average."""
        operation.before(COUNTED_CALLS)
        before = self._calls()
        for _ in range(COUNTED_CALLS):
            operation.call()
        counted = self._calls() - before
        operation.after(COUNTED_CALLS)
        return counted / COUNTED_CALLS

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _calls(self) -> int:
        row = self._connection.execute(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid"
            " WHERE datname = %s AND toplevel",
            (self._database,),
        ).fetchone()
        return int(row[0]) if row else 0


def wal_records(url: str, step: Step) -> int:
    """Return how many WAL records PostgreSQL writes for a statement, the functions that it calls included.

    The least of a few times: the first to look at a page may tidy up after others.
    """
    counted = []
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for _ in range(3):
            row = connection.execute(f"EXPLAIN (ANALYZE, WAL, FORMAT JSON) {step[0]}", step[1]).fetchone()
            counted.append(int(row[0][0]["Plan"]["WAL Records"]) if row else 0)
    return min(counted)
