"""Whether a connection has a session of its own, or shares the server's with others, as behind a pooler."""

from typing import Any
from uuid import uuid4

import psycopg
from django.db import connections
from psycopg.pq import DiagnosticField, ExecStatus

#: On a pooler that is idle one is enough; others' statements may come between.
_ROUNDS = 20
_NO_SUCH_STATEMENT = b"26000"


def are_shared(using: str) -> bool:
    """True where what one connection prepared is another one's too, or gone: behind PgBouncer before 1.21, say.

    In transaction mode, that is; a pooler that leaves each client its session, or keeps what it prepared, is none.
    Raises django.db.Error.
    """
    connection: Any = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    if session == connection.connection.info.backend_pid:
        # The server itself has said so when the connection was made; a pooler makes up a number.
        return False
    parameters = connection.get_connection_params() | {"autocommit": True}
    with (
        connection.wrap_database_errors,
        psycopg.connect(**parameters) as one,
        psycopg.connect(**parameters) as other,
    ):
        return any(_is_mixed_up(one.pgconn, other.pgconn) for _ in range(_ROUNDS))


def _is_mixed_up(one: Any, other: Any) -> bool:
    name = f"_botstate_{uuid4().hex}".encode()
    one.prepare(name, b"SELECT 1")
    # A pooler hands out first what was given back last.
    if other.exec_prepared(name, None).status == ExecStatus.TUPLES_OK:
        other.exec_(b"DEALLOCATE " + name)
        return True
    return bool(one.exec_prepared(name, None).error_field(DiagnosticField.SQLSTATE) == _NO_SUCH_STATEMENT)
