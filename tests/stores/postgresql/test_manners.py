"""What Django does around a statement, it does around these: wrappers, log, exceptions, broken transactions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from botstate.db.postgresql import statements
from botstate.exceptions import StoreError, StoreUnavailable
from botstate.models import KvEntry
from botstate.stores import OrmStore
from tests.stores.postgresql.operations import ALL, CLAIM_TOKEN, REFUSING

pytestmark = pytest.mark.django_db(transaction=True)

Executor = Callable[..., Any]


@pytest.fixture
def store() -> OrmStore:
    return OrmStore()


def test_execute_wrappers_see_each_statement_and_the_log_holds_it(store: OrmStore) -> None:
    for name, call in ALL.items():
        seen: list[str] = []

        def look(execute: Executor, sql: str, *rest: Any, seen: list[str] = seen) -> Any:
            seen.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(look), CaptureQueriesContext(connection) as log:
            call(store)
        assert len(seen) == 1, f"{name}: a wrapper sees one statement"
        assert len(log) == 1, f"{name}: the log holds one statement"
        assert "botstate_" in log[0]["sql"] and "%" not in log[0]["sql"], f"{name}: with its parameters"


def test_a_wrapper_may_refuse(store: OrmStore) -> None:
    class Refused(Exception):
        pass

    def refuse(*arguments: Any) -> Any:
        raise Refused

    for call in ALL.values():
        with connection.execute_wrapper(refuse), pytest.raises(Refused):
            call(store)


def break_tables() -> Executor:
    """Return a wrapper after which every statement fails on the server."""
    return lambda execute, sql, params, many, context: execute("SELECT 1/0", (), many, context)


def test_an_error_marks_the_caller_s_transaction_for_rollback(store: OrmStore) -> None:
    with transaction.atomic():
        store.kv.set("outer", 1)
        with transaction.atomic():
            with connection.execute_wrapper(break_tables()), pytest.raises(StoreError) as told:
                store.kv.get("key")
            assert isinstance(told.value.__cause__, DatabaseError)
            assert connection.needs_rollback, "as after any failed query"
            with pytest.raises(StoreError):
                store.kv.get("key")
        assert not connection.needs_rollback, "the savepoint was rolled back"
        assert store.kv.get("outer") == 1
    assert store.kv.get("outer") == 1


def test_an_error_outside_a_transaction_leaves_nothing_behind(store: OrmStore) -> None:
    with connection.execute_wrapper(break_tables()), pytest.raises(StoreError):
        store.kv.get("key")
    assert not connection.needs_rollback
    assert store.kv.get("key") is None


@pytest.mark.parametrize(("error", "tries"), [("DeadlockDetected", 3), ("SerializationFailure", 3), ("DiskFull", 1)])
def test_only_what_can_succeed_is_tried_again_and_only_outside_a_transaction(
    store: OrmStore, error: str, tries: int
) -> None:
    attempts = []

    def fail_twice(execute: Executor, *rest: Any) -> Any:
        attempts.append(1)
        if len(attempts) < 3:
            raise OperationalError(error) from getattr(psycopg.errors, error)()
        return execute(*rest)

    with connection.execute_wrapper(fail_twice):
        if tries == 3:
            store.kv.set("key", 1)
        else:
            with pytest.raises(StoreUnavailable):
                store.kv.set("key", 1)
        assert len(attempts) == tries
        attempts.clear()
        with pytest.raises(StoreError), transaction.atomic():
            store.kv.set("key", 2)
        assert len(attempts) == 1, "the caller's transaction is the caller's to repeat"


def test_an_endless_deadlock_is_given_up(store: OrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MAX_BACKOFF_S", 0)
    attempts = []

    def fail(*rest: Any) -> Any:
        attempts.append(1)
        raise OperationalError("deadlock") from psycopg.errors.DeadlockDetected()

    with connection.execute_wrapper(fail), pytest.raises(StoreUnavailable) as told:
        store.kv.set("key", 1)
    assert isinstance(told.value.__cause__, OperationalError)
    assert len(attempts) == 12


def test_what_took_long_is_not_tried_again(store: OrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "RETRIED_WITHIN_S", 0)
    attempts = []

    def fail(*rest: Any) -> Any:
        attempts.append(1)
        raise OperationalError("deadlock") from psycopg.errors.DeadlockDetected()

    with connection.execute_wrapper(fail), pytest.raises(StoreUnavailable):
        store.kv.set("key", 1)
    assert len(attempts) == 1, "it would wait as long for the lock again"


def test_a_constraint_of_the_project_s_own_is_an_integrity_error(store: OrmStore) -> None:
    table = KvEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT no_two CHECK (value <> '2')")
    try:
        store.kv.set("key", 1)
        with pytest.raises(IntegrityError):
            store.kv.set("key", 2)
        assert store.kv.get("key") == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT no_two")


def test_locks_and_claims_refuse_where_autocommit_is_off(store: OrmStore) -> None:
    transaction.set_autocommit(False)
    try:
        for name, call in REFUSING.items():
            with pytest.raises(StoreError, match=rf"store\.{name}"):
                call(store)
        store.kv.set("key", 1)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert store.kv.get("key") is None, "kv joins a transaction that was begun in this way too"


def test_locks_refuse_a_new_connection_that_does_not_commit_by_itself(store: OrmStore) -> None:
    connection.close()
    connection.settings_dict["AUTOCOMMIT"] = False
    try:
        with pytest.raises(StoreError, match=r"store\.lock\.acquire"):
            store.lock.acquire("key")
    finally:
        connection.close()
        connection.settings_dict["AUTOCOMMIT"] = True


def test_a_claim_s_token_names_its_item(store: OrmStore) -> None:
    for number in range(3):
        store.queue.enqueue("key", number)
    claims = [store.queue.claim("key", 60) for _ in range(3)]
    assert [claim.token.split("-")[0] for claim in claims if claim] == ["0", "1", "2"]
    assert claims[0] and claims[1]
    secret = claims[0].token.split("-")[1]
    for token in (CLAIM_TOKEN, secret, f"1-{secret}", f"00-{secret}", f"9-{secret}", f"{10**17}-{secret}", ""):
        assert store.queue.ack("key", token) is False, token
        assert store.queue.nack("key", token) is False, token
    assert store.queue.depth("key") == 3
    assert store.queue.ack("key", claims[1].token) is True
    assert store.queue.ack("key", claims[1].token) is False
    assert store.queue.nack("key", claims[0].token) is True
    assert store.queue.dequeue("key") == 0


def test_bounds_beyond_a_bigint_are_no_error(store: OrmStore) -> None:
    assert store.list.append("key", 1, max_len=10**30) == 1
    assert store.list.range("key", 0, 10**30) == [1]
    assert store.list.range("key", 10**30) == []
    store.list.trim("key", 10**30)
    assert store.queue.enqueue("key", 1, max_size=10**30) == 1


def test_a_statement_within_a_statement_has_a_cursor_of_its_own(store: OrmStore) -> None:
    store.kv.set("key", "outer")
    store.kv.set("log", "inner")

    def use_the_store(execute: Executor, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        connection.execute_wrappers.remove(use_the_store)
        try:
            assert store.kv.get("log") == "inner"
        finally:
            connection.execute_wrappers.append(use_the_store)
        return result

    with connection.execute_wrapper(use_the_store):
        for _ in range(3):
            assert store.kv.get("key") == "outer"


def test_the_log_ends_with_its_block(store: OrmStore) -> None:
    store.kv.get("key")
    with CaptureQueriesContext(connection) as log:
        store.kv.get("key")
    assert len(log) == 1
    connection.queries_log.clear()
    store.kv.get("key")
    assert not connection.queries_log


def test_whoever_replaces_the_connection_s_cursor_is_asked_each_time(
    store: OrmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Django's TestCase does to forbid a database, and as debug toolbars do."""
    store.kv.get("key")
    asked: list[int] = []
    wrapper = connections["default"]
    original = wrapper.cursor
    monkeypatch.setitem(wrapper.__dict__, "cursor", lambda: asked.append(1) or original())
    for _ in range(2):
        store.kv.get("key")
    assert asked == [1, 1]


def test_whoever_replaces_execute_sees_each_statement(store: OrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As error trackers do."""
    store.kv.get("key")
    seen: list[str] = []
    original = CursorWrapper.execute

    def execute(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return original(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", execute)
    for _ in range(2):
        store.kv.get("key")
    assert len(seen) == 2


def test_a_connection_of_another_thread_is_refused(store: OrmStore) -> None:
    store.kv.get("key")
    mine = connections["default"]

    def use_it() -> None:
        connections["default"] = mine
        with pytest.raises(StoreError) as told:
            store.kv.get("key")
        assert "can only be used in that same thread" in str(told.value.__cause__)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(use_it).result()


def test_the_connection_s_row_factory_does_not_matter(store: OrmStore) -> None:
    store.kv.set("key", 1)
    assert connection.connection is not None
    connection.connection.row_factory = psycopg.rows.dict_row
    try:
        assert OrmStore(prepare=False).kv.get("key") == 1
    finally:
        connection.connection.row_factory = psycopg.rows.tuple_row
