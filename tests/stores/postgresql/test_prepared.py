"""What is sent without a cursor is what a cursor would have sent, and what it cannot send is left to one."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from botstate.db.postgresql.prepared import PreparedStatements
from botstate.exceptions import StoreError
from botstate.stores import OrmStore

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session() -> "psycopg.Connection[Any]":
    connection.ensure_connection()
    inner: psycopg.Connection[Any] = connection.connection
    return inner


@pytest.fixture
def prepared(session: "psycopg.Connection[Any]") -> PreparedStatements:
    return PreparedStatements.of(session)


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT %s::text, %s::text, %s::bigint", ("", None, "-5")),
        ("SELECT %s::text", ("é\u2028%s$1 \U0001f600",)),
        ("SELECT %s, %s", (True, False)),
        ("SELECT %s::bytea, %s", (b"\x00\xff'\\", b"")),
        ("SELECT %(b)s::text, %(a)s::text, %(b)s::text", {"a": "1", "b": "2", "unused": "3"}),
        ("SELECT 7 %% 4, %s::text", ("x",)),
        ("SELECT 1.5::float8, NULL::text, '{1,2}'::int[], 'a'::varchar, '{\"a\": 1}'::jsonb", ()),
        ("SELECT number FROM generate_series(1, 300) AS number", ()),
        ("SELECT 1 WHERE false", ()),
        ("SET LOCAL lock_timeout = 0", ()),
    ],
)
def test_rows_are_those_of_a_cursor(
    session: "psycopg.Connection[Any]", prepared: PreparedStatements, sql: str, parameters: Any
) -> None:
    cursor = psycopg.Cursor(session, row_factory=psycopg.rows.tuple_row)
    cursor.execute(sql, parameters)
    expected = cursor.fetchall() if cursor.description else []
    for _ in range(2):
        rows = prepared.run(sql, parameters)
        assert rows == expected
        assert repr(rows) == repr(expected)


def test_kinds_of_parameters_are_prepared_apart(prepared: PreparedStatements) -> None:
    sql = "SELECT pg_typeof(%s)::text"
    assert prepared.run(sql, (True,)) == [("boolean",)]
    assert prepared.run(sql, (b"",)) == [("bytea",)]
    assert prepared.run(sql, (False,)) == [("boolean",)]


@pytest.mark.parametrize("parameter", [5, 1.5, ["a"], {"a": 1}, "nul \x00", type("Text", (str,), {})("subclass")])
def test_what_a_cursor_must_write_is_not_sent(prepared: PreparedStatements, parameter: object) -> None:
    assert prepared.run("SELECT 1/0, %s", (parameter,)) is None


def test_transactions_and_pipelines_are_a_cursor_s(
    session: "psycopg.Connection[Any]", prepared: PreparedStatements
) -> None:
    with transaction.atomic():
        assert prepared.run("SELECT 1/0", ()) is None, "it would have been outside of it"
        connection.cursor().execute("SELECT 1")
        assert prepared.run("SELECT 1/0", ()) is None
    with session.pipeline():
        assert prepared.run("SELECT 1/0", ()) is None
    session.execute("BEGIN")
    assert prepared.run("SELECT 1/0", ()) is None, "a transaction that was begun by hand"
    session.execute("ROLLBACK")
    assert prepared.run("SELECT 1", ()) == [(1,)]
    session.close()
    assert prepared.run("SELECT 1/0", ()) is None
    connection.close()


def test_an_error_is_the_driver_s_with_all_that_the_server_said(prepared: PreparedStatements) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero) as told:
        prepared.run("SELECT 1/%s::int", ("0",))
    assert told.value.sqlstate == "22012"
    assert told.value.diag.message_primary == "division by zero"
    with pytest.raises(psycopg.errors.UndefinedTable):
        prepared.run("SELECT * FROM no_such_table", ())
    assert prepared.run("SELECT 1", ()) == [(1,)], "the session goes on"


def test_a_long_result_is_not_held_on_to(prepared: PreparedStatements) -> None:
    assert len(prepared.run("SELECT repeat('x', 1000) FROM generate_series(1, 300)", ()) or ()) == 300
    assert prepared._rows.pgresult is None


def test_statements_stay_prepared_as_long_as_the_session(prepared: PreparedStatements) -> None:
    for _ in range(3):
        assert prepared.run("SELECT %s::text AS kept", ("x",)) == [("x",)]
    counted = prepared.run("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%AS kept'", ())
    assert counted == [(1,)]


def test_notices_reach_who_listens(session: "psycopg.Connection[Any]", prepared: PreparedStatements) -> None:
    heard: list[str | None] = []
    session.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    prepared.run("SELECT set_config('client_min_messages', 'notice', false)", ())
    body = "'BEGIN RAISE NOTICE $$hello$$; RETURN 1; END'"
    session.execute(f"CREATE FUNCTION pg_temp.say() RETURNS int LANGUAGE plpgsql AS {body}")
    assert prepared.run("SELECT pg_temp.say()", ()) == [(1,)]
    assert heard == ["hello"]


def test_a_thread_that_shares_the_session_waits_until_the_other_is_done(
    session: "psycopg.Connection[Any]", prepared: PreparedStatements
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with session.lock:
            waiting = pool.submit(prepared.run, "SELECT %s::text", ("mine",))
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        assert waiting.result(20) == [("mine",)]


def test_ctrl_c_ends_a_statement_that_waits(prepared: PreparedStatements) -> None:
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        prepared.run("SELECT pg_sleep(%s::float8)", ("60",))
    assert prepared.run("SELECT 1", ()) == [(1,)], "the server was told, and the session goes on"


def test_a_session_that_died_is_an_error_of_the_store_and_the_next_call_has_a_new_one(
    session: "psycopg.Connection[Any]",
) -> None:
    store = OrmStore()
    store.kv.set("key", 1)
    with psycopg.connect(session.info.dsn, password=session.info.password, autocommit=True) as another:
        another.execute("SELECT pg_terminate_backend(%s)", (session.info.backend_pid,))
    with pytest.raises(StoreError):
        for _ in range(100):
            store.kv.get("key")
    connection.close_if_unusable_or_obsolete()
    assert store.kv.get("key") == 1
