"""Making the database functions of functions.sql, in the schema where the tables are."""

import re
from importlib.resources import files
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

#: A table that every function's schema holds.
_TABLE = "botstate_kventry"
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION .*?\.(botstate_\w+)\((.*?)\$\$(.*?)\$\$;", re.DOTALL)
_SETTING = re.compile(r"\bSET (\w+) = (\w+)")

#: A function's settings, as "name=value" in order, and its body.
Definition = tuple[list[str], str]


def create_functions(connection: BaseDatabaseWrapper) -> None:
    """Create or replace the functions; nothing happens where they are as they should be, or the tables are not there.

    Only on PostgreSQL. Raises Django's database errors.
    """
    schema = _schema_of_tables(connection)
    if schema is None:
        return
    sql = _source().replace("{schema}", connection.ops.quote_name(schema))
    expected = {
        name: (sorted("=".join(setting) for setting in _SETTING.findall(header)), body)
        for name, header, body in _FUNCTION.findall(sql)
    }
    if _found(connection, schema, list(expected)) == expected:
        return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # Two that migrate at once would fail on each other's rows of the catalogue.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('botstate functions'))")
        cursor.execute(sql)


def drop_functions(connection: BaseDatabaseWrapper) -> None:
    """Drop the functions from the schema where the tables are."""
    schema = _schema_of_tables(connection)
    if schema is None:
        return
    quoted = connection.ops.quote_name(schema)
    names = ", ".join(f"{quoted}.{name}" for name, *_ in _FUNCTION.findall(_source()))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION IF EXISTS {names}")


def restore_functions(using: str, plan: Any = (), **kwargs: Any) -> None:
    """Handle post_migrate: make the functions again if they were lost or are of another version.

    Not right after a migration of botstate was taken back, which dropped them on purpose.
    """
    went_back = any(backwards and migration.app_label == "botstate" for migration, backwards in plan)
    if connections[using].vendor == "postgresql" and not went_back and router.allow_migrate(using, "botstate"):
        create_functions(connections[using])


def _source() -> str:
    return files(__package__).joinpath("functions.sql").read_text("utf-8")


def _schema_of_tables(connection: BaseDatabaseWrapper) -> str | None:
    """Return the schema in which the session finds the tables, or None. It may be any that search_path names."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE pg_class.oid = to_regclass(%s)",
            [_TABLE],
        )
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def _found(connection: BaseDatabaseWrapper, schema: str, names: list[str]) -> dict[str, Definition]:
    """Return the definitions of the functions that are there, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, coalesce(proconfig, '{}'), prosrc"
            " FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace"
            " WHERE nspname = %s AND proname = ANY (%s)",
            [schema, names],
        )
        return {name: (sorted(settings), body) for name, settings, body in cursor.fetchall()}
