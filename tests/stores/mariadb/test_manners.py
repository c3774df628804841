"""What Django does around a statement, it does around these; and what is begun is ended, or never was."""

from collections.abc import Callable
from typing import Any

import pymysql
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from botstate.exceptions import StoreError, StoreUnavailable
from botstate.models import KvEntry
from botstate.stores import OrmStore
from tests.stores.aliases import temporary_store
from tests.stores.faults.operations import ALL, JOINING, REFUSING, Stocked, everything
from tests.stores.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)

Executor = Callable[..., Any]
FAILURE = "SIGNAL SQLSTATE '45000'"


@pytest.fixture
def had() -> Stocked:
    return Stocked(OrmStore())


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botstate.db.transactions.FIRST_BACKOFF_S", 0)
    monkeypatch.setattr("botstate.db.transactions.MAX_BACKOFF_S", 0)


def connected_store() -> OrmStore:
    """Return a store whose next call is one statement: to connect takes some too."""
    store = OrmStore()
    store.kv.get("key")
    return store


def failing_before(end: str) -> Executor:
    """Return a wrapper that makes a block fail on the server just before its `end`, and other statements instead."""

    def fail(execute: Executor, sql: str, *rest: Any) -> Any:
        return execute(sql.replace(end, f"{FAILURE};\n{end}") if end in sql else FAILURE, *rest)

    return fail


def is_in_transaction() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@in_transaction")
        return bool(cursor.fetchone()[0])


def test_execute_wrappers_see_each_statement_and_the_log_holds_it(had: Stocked) -> None:
    for name, call in ALL.items():
        seen: list[str] = []

        def look(execute: Executor, sql: str, *rest: Any, seen: list[str] = seen) -> Any:
            seen.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(look), CaptureQueriesContext(connection) as log:
            call(had)
        assert len(seen) == len(log) == 1, f"{name}: wrappers and the log see one statement"
        assert "botstate_" in log[0]["sql"] and "%" not in log[0]["sql"], f"{name}: with its parameters"


def test_what_joins_is_one_statement_too(had: Stocked) -> None:
    with transaction.atomic():
        for name, call in JOINING.items():
            with CaptureQueriesContext(connection) as log:
                call(had)
            assert len(log) == 1, name


def test_a_block_that_fails_at_its_end_has_done_nothing_and_leaves_no_transaction_open(had: Stocked) -> None:
    before = everything()
    for name, call in ALL.items():
        with connection.execute_wrapper(failing_before("COMMIT")), pytest.raises(StoreError):
            call(had)
        assert not is_in_transaction(), name
        assert everything() == before, name


def test_an_error_marks_the_caller_s_transaction_for_rollback(had: Stocked) -> None:
    before = everything()
    for name, call in JOINING.items():
        with transaction.atomic():
            with transaction.atomic():
                with connection.execute_wrapper(failing_before("SELECT")), pytest.raises(StoreError) as told:
                    call(had)
                assert isinstance(told.value.__cause__, DatabaseError)
                assert connection.needs_rollback, f"{name}: as after any failed query"
                with pytest.raises(StoreError):
                    had.store.kv.get("key")
            assert not connection.needs_rollback, "the savepoint was rolled back"
            assert everything() == before, name


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("number", "tries"), [(1213, 3), (1205, 3), (1021, 1)])
def test_only_what_can_succeed_is_tried_again_and_only_outside_a_transaction(number: int, tries: int) -> None:
    store, attempts = connected_store(), []

    def fail_twice(execute: Executor, *rest: Any) -> Any:
        attempts.append(1)
        if len(attempts) < 3:
            raise OperationalError(number, "no") from pymysql.OperationalError(number, "no")
        return execute(*rest)

    with connection.execute_wrapper(fail_twice):
        if tries == 3:
            store.kv.set("key", 1)
        else:
            with pytest.raises(StoreUnavailable):
                store.kv.set("key", 1)
    assert len(attempts) == tries
    with pytest.raises(StoreError), transaction.atomic():
        attempts.clear()
        with connection.execute_wrapper(fail_twice):
            store.kv.set("key", 2)
    assert len(attempts) == 1, "the caller's transaction is the caller's to repeat"


@pytest.mark.usefixtures("at_once")
def test_an_endless_deadlock_is_given_up() -> None:
    store, attempts = connected_store(), []

    def fail(*rest: Any) -> Any:
        attempts.append(1)
        raise OperationalError(1213, "deadlock")

    with connection.execute_wrapper(fail), pytest.raises(StoreUnavailable) as told:
        store.kv.set("key", 1)
    assert isinstance(told.value.__cause__, OperationalError)
    assert len(attempts) == 12


def test_what_took_long_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botstate.db.transactions.RETRIED_WITHIN_S", 0)
    store, attempts = connected_store(), []

    def fail(*rest: Any) -> Any:
        attempts.append(1)
        raise OperationalError(1205, "Lock wait timeout exceeded")

    with connection.execute_wrapper(fail), pytest.raises(StoreUnavailable):
        store.kv.set("key", 1)
    assert len(attempts) == 1, "it would wait as long for the lock again"


def test_a_value_that_no_packet_holds_is_not_worth_a_retry() -> None:
    def refuse(*rest: Any) -> Any:
        raise OperationalError(1153, "Got a packet bigger than 'max_allowed_packet' bytes")

    store = connected_store()
    with connection.execute_wrapper(refuse), pytest.raises(StoreError, match="max_allowed_packet") as told:
        store.kv.set("key", 1)
    assert not isinstance(told.value, StoreUnavailable)


def test_a_constraint_of_the_project_s_own_is_an_integrity_error() -> None:
    store, table = OrmStore(), KvEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT no_two CHECK (value <> '2')")
    try:
        for ttl in (None, 60):
            store.kv.set("key", 1)
            with pytest.raises(IntegrityError):
                store.kv.set("key", 2, ttl=ttl)
            assert not is_in_transaction()
            assert store.kv.get("key") == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT no_two")


def test_where_autocommit_is_off_calls_join_or_refuse(had: Stocked) -> None:
    transaction.set_autocommit(False)
    try:
        for name, call in REFUSING.items():
            with pytest.raises(StoreError, match=rf"store\.{name}"):
                call(had)
        had.store.kv.set("key", "within", ttl=60)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert had.store.kv.get("key") == "old", "kv joins a transaction that was begun in this way too"


def test_bounds_beyond_a_bigint_are_no_error() -> None:
    store = OrmStore()
    assert store.list.append("key", 1, max_len=10**30) == 1
    assert store.list.range("key", 0, 10**30) == [1]
    assert store.list.range("key", 10**30) == []
    store.list.trim("key", 10**30)
    assert store.queue.enqueue("key", 1, max_size=10**30) == 1


def test_to_make_a_store_asks_nobody() -> None:
    with temporary_store("away", HOST="127.0.0.1", PORT=free_port()) as store, pytest.raises(StoreUnavailable):
        store.lock.acquire("key")
