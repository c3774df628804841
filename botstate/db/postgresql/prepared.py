"""Statements that a session keeps prepared, sent with less around them than psycopg's cursor has.

A cursor looks up how to write each parameter, and lets go of the interpreter several times for one statement. For a
short one that is much of the time, most of all where threads share the interpreter. psycopg's connection still does the
waiting, so that Ctrl-C, notices and cooperative loops are what they are with a cursor.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import md5
from itertools import count
from types import NoneType
from typing import Any

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus

Parameters = Sequence[Any] | dict[str, Any]
Row = tuple[Any, ...]

#: What the server is told of a parameter's type; 0 leaves it to the statement.
_OIDS: dict[type, int] = {str: 0, NoneType: 0, bool: 16, bytes: 17}
_PLACEHOLDER = re.compile(r"%(?:%|s|\((\w+)\)s)")
_ATTRIBUTE = "_botstate_prepared"


class PreparedStatements:
    """What one of psycopg's connections keeps prepared for botstate; made by `of`."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        self._session = session
        self._pgconn = session.pgconn
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._rows = Transformer(session)

    @classmethod
    def of(cls, session: "psycopg.Connection[Any]") -> "PreparedStatements":
        """Return the connection's own: they last as long as it does, in a pool too."""
        known: PreparedStatements | None = session.__dict__.get(_ATTRIBUTE)
        if known is None:
            known = session.__dict__[_ATTRIBUTE] = cls(session)
        return known

    def forget(self) -> None:
        """Prepare everything anew: the server has discarded it."""
        self._names.clear()

    def run(self, sql: str, parameters: Parameters) -> list[Row] | None:
        """Run a statement by itself and return its rows, or None where that takes a cursor: nothing was sent then.

        A cursor opens transactions, knows pipelines, and writes what is no str, bytes, bool or None.
        Raises psycopg.Error.
        """
        pgconn = self._pgconn
        if (
            pgconn.transaction_status != TransactionStatus.IDLE
            or not self._session.autocommit
            or pgconn.pipeline_status != PipelineStatus.OFF
        ):
            return None
        text, names = _of_the_server(sql)
        values = [parameters[name] for name in names] if isinstance(parameters, dict) else parameters
        written = _written(values)
        if written is None:
            return None
        oids = tuple([_OIDS[type(value)] for value in values])
        with self._session.lock:
            name = self._names.get((sql, oids)) or self._prepare(sql, text, oids)
            pgconn.send_query_prepared(name, written)
            result = self._result()
            self._rows.set_pgresult(result)
            rows: list[Row] = self._rows.load_rows(0, result.ntuples, tuple)
            if len(rows) > 1:
                # It holds on to its last result.
                self._rows.set_pgresult(None)
        return rows

    def _prepare(self, sql: str, text: bytes, oids: tuple[int, ...]) -> bytes:
        # Wherever a session is another client's by mistake, what has this name is this statement, and no other.
        name = b"_botstate_" + md5(text + repr(oids).encode(), usedforsecurity=False).hexdigest().encode()
        self._pgconn.send_prepare(name, text, oids)
        self._result()
        self._names[sql, oids] = name
        return name

    def _result(self) -> Any:
        result = self._session.wait(generators.execute(self._pgconn))[-1]
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise psycopg.errors.error_from_result(result)
        return result


@lru_cache(maxsize=256)
def _of_the_server(sql: str) -> tuple[bytes, list[str]]:
    """Return the statement with the server's placeholders, and its parameters' names where they have some."""
    names: list[str] = []
    positions = count(1)

    def numbered(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] is None:
            return f"${next(positions)}"
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    text = _PLACEHOLDER.sub(numbered, sql).encode()
    return text, names


def _written(values: Sequence[Any]) -> list[bytes | None] | None:
    """Return the parameters as the server reads them, or None if one of them is for a cursor to write, or to refuse."""
    written: list[bytes | None] = []
    for value in values:
        kind = type(value)
        if kind is str:
            if "\0" in value:
                # The server would take it for the end.
                return None
            written.append(value.encode())
        elif value is None:
            written.append(None)
        elif kind is bool:
            written.append(b"true" if value else b"false")
        elif kind is bytes:
            written.append(b"\\x" + value.hex().encode())
        else:
            return None
    return written
