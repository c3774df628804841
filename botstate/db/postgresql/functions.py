"""Making the database functions of a package's SQL files, in the schema where its tables are."""

import re
from importlib.resources import files
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION .*?\.(botstate_\w+)\((.*?)\$\$(.*?)\$\$;", re.DOTALL)
_SETTING = re.compile(r"\bSET (\w+) = (\w+)")

#: A function's settings, as "name=value" in order, and its body.
Definition = tuple[list[str], str]


class FunctionSet:
    """The functions in `file` of `package`, a package's name; `table` is one that their schema holds.

    The file writes the schema as {schema}. Raises Django's database errors.
    """

    def __init__(self, package: str, table: str, file: str = "functions.sql") -> None:
        self._package = package
        self._table = table
        self._file = file

    def create(self, connection: BaseDatabaseWrapper) -> None:
        """Create or replace them; nothing happens where they are as they should be, or the tables are not there.

        Only on PostgreSQL.
        """
        schema = _schema_of(connection, self._table)
        if schema is None:
            return
        sql = self._source().replace("{schema}", connection.ops.quote_name(schema))
        expected = {
            name: (sorted("=".join(setting) for setting in _SETTING.findall(header)), body)
            for name, header, body in _FUNCTION.findall(sql)
        }
        if _found(connection, schema, list(expected)) == sorted(expected.items()):
            return
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            # Two that migrate at once would fail on each other's rows of the catalogue.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('botstate functions'))")
            # What another version made may take or return something else, which REPLACE does not replace.
            _drop(connection, schema, list(expected))
            cursor.execute(sql)

    def drop(self, connection: BaseDatabaseWrapper) -> None:
        """Drop them from the schema where the tables are."""
        schema = _schema_of(connection, self._table)
        if schema is None:
            return
        _drop(connection, schema, [name for name, *_ in _FUNCTION.findall(self._source())])

    def restore(self, using: str, plan: Any = (), **kwargs: Any) -> None:
        """Handle post_migrate: make them again if they were lost or are of another version.

        Not right after a migration of botstate was taken back, which dropped them on purpose.
        """
        went_back = any(backwards and migration.app_label == "botstate" for migration, backwards in plan)
        if connections[using].vendor == "postgresql" and not went_back and router.allow_migrate(using, "botstate"):
            self.create(connections[using])

    def _source(self) -> str:
        return files(self._package).joinpath(self._file).read_text("utf-8")


def _schema_of(connection: BaseDatabaseWrapper, table: str) -> str | None:
    """Return the schema in which the session finds the table, or None. It may be any that search_path names."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE pg_class.oid = to_regclass(%s)",
            [table],
        )
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def _drop(connection: BaseDatabaseWrapper, schema: str, names: list[str]) -> None:
    """Drop the functions of these names, whatever they take."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_proc.oid::regprocedure::text FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace"
            " WHERE nspname = %s AND proname = ANY (%s)",
            [schema, names],
        )
        signatures = [row[0] for row in cursor.fetchall()]
        if signatures:
            cursor.execute(f"DROP FUNCTION {', '.join(signatures)}")


def _found(connection: BaseDatabaseWrapper, schema: str, names: list[str]) -> list[tuple[str, Definition]]:
    """Return the functions that are there, by name; one that is there twice comes twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, coalesce(proconfig, '{}'), prosrc"
            " FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace"
            " WHERE nspname = %s AND proname = ANY (%s)",
            [schema, names],
        )
        return sorted((name, (sorted(settings), body)) for name, settings, body in cursor.fetchall())
