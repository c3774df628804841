"""What Django does around a statement, it does around these; and what SQLite's one lock asks of them."""

import itertools
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from botstate.db import transactions
from botstate.exceptions import StoreError, StoreUnavailable
from botstate.stores import OrmStore
from tests.stores.postgresql.operations import ALL, CLAIM_TOKEN, REFUSING

pytestmark = pytest.mark.django_db(transaction=True)

Executor = Callable[..., Any]


@pytest.fixture
def store() -> OrmStore:
    return OrmStore()


def test_execute_wrappers_and_the_log_see_each_statement(store: OrmStore) -> None:
    for name, call in ALL.items():
        seen: list[str] = []

        def look(execute: Executor, sql: str, *rest: Any, seen: list[str] = seen) -> Any:
            seen.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(look), CaptureQueriesContext(connection) as log:
            call(store)
        logged = [query["sql"] for query in log if query["sql"] != "COMMIT"]
        assert len(seen) == len(logged) > 0, f"{name}: the log holds what a wrapper sees"
        assert not any("%" in sql for sql in logged), f"{name}: with its parameters"


def test_a_wrapper_may_refuse(store: OrmStore) -> None:
    class Refused(Exception):
        pass

    def refuse(*arguments: Any) -> Any:
        raise Refused

    for call in ALL.values():
        with connection.execute_wrapper(refuse), pytest.raises(Refused):
            call(store)


@contextmanager
def failing_at(words: str, error: sqlite3.Error | None = None, times: int = 100) -> Iterator[list[str]]:
    """Let the statements with `words` in them fail so many times; give the list of those that did."""
    failed: list[str] = []

    def fail(execute: Executor, sql: str, *rest: Any) -> Any:
        if words not in sql or len(failed) == times:
            return execute(sql, *rest)
        failed.append(sql)
        raise OperationalError("it failed") from error

    with connection.execute_wrapper(fail):
        yield failed


def busy() -> sqlite3.Error:
    """Return what the driver raises where another connection holds the lock."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname, error.sqlite_errorcode = "SQLITE_BUSY", sqlite3.SQLITE_BUSY
    return error


@pytest.mark.parametrize("name", ["SQLITE_BUSY", "SQLITE_BUSY_RECOVERY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_PROTOCOL"])
def test_what_many_processes_that_open_the_file_at_once_run_into_is_tried_again(store: OrmStore, name: str) -> None:
    error = busy()
    error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)
    with failing_at("INSERT INTO botstate_kventry", error, times=2) as failed:
        store.kv.set("key", "value")
    assert len(failed) == 2
    assert store.kv.get("key") == "value"


HALVES: dict[str, tuple[str, Callable[[OrmStore], Any]]] = {
    "list.append": ("botstate_listitem (head_id", lambda store: store.list.append("key", "new")),
    "list.append, full": ("UPDATE botstate_listitem", lambda store: store.list.append("key", "new", max_len=2)),
    "list.trim": ("DELETE FROM botstate_listitem", lambda store: store.list.trim("key", 1)),
    "list.delete": ("DELETE FROM botstate_listitem", lambda store: store.list.delete("key")),
    "queue.enqueue": ("INSERT INTO botstate_queueitem", lambda store: store.queue.enqueue("key", "new")),
    "queue.enqueue, full": ("UPDATE botstate_queueitem", lambda store: store.queue.enqueue("key", "new", 2)),
    "queue.dequeue": ("UPDATE botstate_queuehead", lambda store: store.queue.dequeue("key")),
}


@pytest.mark.parametrize("name", list(HALVES))
def test_what_fails_half_way_has_changed_nothing(store: OrmStore, name: str) -> None:
    words, call = HALVES[name]
    for value in ("first", "second"):
        store.list.append("key", value)
        store.queue.enqueue("key", value)
    with failing_at(words) as failed, pytest.raises(StoreUnavailable):
        call(store)
    assert len(failed) == 1
    with transaction.atomic():
        store.kv.set("outer", 1)
        with transaction.atomic():
            with failing_at(words), pytest.raises(StoreUnavailable):
                call(store)
            assert connection.needs_rollback, "half of it cannot be committed, though the caller goes on"
        assert not connection.needs_rollback, "the savepoint was rolled back"
    assert store.kv.get("outer") == 1
    assert store.list.range("key") == ["first", "second"]
    assert [store.queue.dequeue("key", "empty") for _ in range(3)] == ["first", "second", "empty"]


@pytest.mark.parametrize("name", ["kv.get", "kv.set", "list.append", "lock.acquire", "queue.ack"])
def test_a_busy_database_is_tried_again_only_where_the_transaction_is_botstates(store: OrmStore, name: str) -> None:
    call = ALL[name]
    with failing_at("botstate_", busy(), times=2) as failed:
        call(store)
    assert len(failed) == 2
    store.lock.force_release("key")
    if name not in REFUSING:
        with failing_at("botstate_", busy()) as failed, pytest.raises(StoreError), transaction.atomic():
            call(store)
        assert len(failed) == 1, "the caller's transaction is the caller's to repeat"
        transaction.set_autocommit(False)
        try:
            with failing_at("botstate_", busy()) as failed, pytest.raises(StoreError):
                call(store)
            assert len(failed) == 1, "nor is it botstate's where autocommit is off"
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)


def test_a_database_that_stays_busy_is_given_up(store: OrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_BACKOFF_S", 0)
    with timeout_of(0):
        for name in ("kv.get", "kv.set", "list.append", "lock.acquire"):
            with failing_at("", busy()) as failed, pytest.raises(StoreUnavailable) as told:
                ALL[name](store)
            assert isinstance(told.value.__cause__, OperationalError)
            assert len(failed) == transactions.MAX_ATTEMPTS


@contextmanager
def timeout_of(seconds: float) -> Iterator[None]:
    """Let the settings say so long a timeout."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = {**options, "timeout": seconds}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = options


@contextmanager
def locked_for(seconds: float) -> Iterator[list[float]]:
    """Let another connection hold the write lock so long, or until the end of the block.

    Gives the times at which this connection's statements began.
    """
    attempts: list[float] = []

    def note(execute: Executor, *rest: Any) -> Any:
        attempts.append(time.monotonic())
        return execute(*rest)

    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(seconds, other.rollback)
    release.start()
    try:
        with connection.execute_wrapper(note):
            yield attempts
    finally:
        release.cancel()
        release.join()
        other.close()


@pytest.mark.parametrize("name", ["kv.set", "kv.consume", "list.append", "lock.acquire", "dedup.seen", "queue.ack"])
def test_a_writer_keeps_looking_for_the_lock(store: OrmStore, name: str) -> None:
    begun_at = time.monotonic()
    with locked_for(0.4) as attempts:
        ALL[name](store)
    waits = [later - earlier for earlier, later in itertools.pairwise(attempts) if earlier < begun_at + 0.35]
    # SQLite's own wait would come to look after 0.1 s, and find the lock with whoever keeps at it.
    assert statistics.median(waits) < 0.05, waits


def test_a_writer_waits_no_longer_than_the_connection_would(store: OrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "RETRIED_WITHIN_S", 0.1)
    for name in ("kv.set", "list.append"):
        with timeout_of(0.2), locked_for(1.5):
            begun_at = time.monotonic()
            with pytest.raises(StoreUnavailable, match="OperationalError SQLITE_BUSY"):
                ALL[name](store)
            assert 0.2 <= time.monotonic() - begun_at < 1


def test_the_connection_s_own_timeout_stays_what_it_was(store: OrmStore) -> None:
    with timeout_of(1.234), connection.cursor() as cursor:
        for name in ("kv.set", "list.append", "lock.acquire"):
            ALL[name](store)
            assert cursor.execute("PRAGMA busy_timeout").fetchone() == (1234,)


def test_nor_longer_than_the_operation_may_take() -> None:
    with timeout_of(60), locked_for(1.5):
        begun_at = time.monotonic()
        with pytest.raises(StoreUnavailable):
            transactions.run_durable("default", lambda: None, within_s=0.2)
        assert time.monotonic() - begun_at < 1


@pytest.mark.parametrize("portable", [False, True])
def test_locks_and_claims_refuse_where_autocommit_is_off(portable: bool) -> None:
    store = OrmStore(portable=portable)
    transaction.set_autocommit(False)
    try:
        for name, call in REFUSING.items():
            with pytest.raises(StoreError, match=rf"store\.{name}"):
                call(store)
    finally:
        transaction.set_autocommit(True)


def test_kv_and_lists_join_a_transaction_that_was_begun_by_switching_autocommit_off(store: OrmStore) -> None:
    transaction.set_autocommit(False)
    try:
        store.kv.set("key", 1)
        store.list.append("key", 1)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert store.kv.get("key") is None
    assert store.list.range("key") == []


def test_locks_refuse_a_new_connection_that_does_not_commit_by_itself(store: OrmStore) -> None:
    connection.close()
    connection.settings_dict["AUTOCOMMIT"] = False
    try:
        with pytest.raises(StoreError, match=r"store\.lock\.acquire"):
            store.lock.acquire("key")
    finally:
        connection.close()
        connection.settings_dict["AUTOCOMMIT"] = True


def test_a_new_connection_knows_the_clock(store: OrmStore) -> None:
    store.kv.set("key", 1, ttl=60)
    for _ in range(2):
        connection.close()
        assert store.kv.get("key") == 1
        with transaction.atomic():
            assert store.kv.get("key") == 1


def test_bounds_beyond_a_bigint_are_no_error(store: OrmStore) -> None:
    assert store.list.append("key", 1, max_len=10**30) == 1
    assert store.list.range("key", 0, 10**30) == [1]
    assert store.list.range("key", 10**30) == []
    store.list.trim("key", 10**30)
    assert store.queue.enqueue("key", 1, max_size=10**30) == 1


def test_a_claim_s_token_names_its_item(store: OrmStore) -> None:
    for number in range(3):
        store.queue.enqueue("key", number)
    claim, other = store.queue.claim("key", 60), store.queue.claim("key", 60)
    assert claim and other
    secret = claim.token.split("-")[1]
    for token in (CLAIM_TOKEN, secret, f"1-{secret}", f"00-{secret}", f"{10**17}-{secret}", ""):
        assert store.queue.ack("key", token) is False, token
        assert store.queue.nack("key", token) is False, token
    assert store.queue.depth("key") == 3
    assert store.queue.ack("key", other.token) is True
    assert store.queue.ack("key", other.token) is False
    assert store.queue.nack("key", claim.token) is True
    assert store.queue.dequeue("key") == 0


def test_a_statement_within_a_statement(store: OrmStore) -> None:
    store.kv.set("log", "inner")

    def use_the_store(execute: Executor, *rest: Any) -> Any:
        result = execute(*rest)
        connection.execute_wrappers.remove(use_the_store)
        try:
            assert store.kv.get("log") == "inner"
        finally:
            connection.execute_wrappers.append(use_the_store)
        return result

    with connection.execute_wrapper(use_the_store):
        for number in range(1, 4):
            store.kv.set("key", "outer")
            assert store.kv.get("key") == "outer"
            assert store.list.append("key", 1) == number


def test_a_queue_of_claimed_items_takes_no_more_than_its_bound(store: OrmStore) -> None:
    for number in range(2):
        store.queue.enqueue("key", number)
        assert store.queue.claim("key", 60) is not None
    for on_full in ("drop-oldest", "drop-newest"):
        assert store.queue.enqueue("key", "new", 2, on_full) == 2
        assert store.queue.enqueue("key", "new", 1, on_full) == 2, "claimed items are never dropped"
    assert store.queue.dequeue("key", "empty") == "empty"
    assert store.queue.depth("key") == 2
