"""What joins the caller's transaction, what refuses to, and what happens while others hold a row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, Error, connection, transaction
from django.test.utils import CaptureQueriesContext

from botstate.db.clock import now_us
from botstate.db.transactions import run_statement
from botstate.exceptions import NotSerializable, StoreError
from botstate.models import DedupEntry, KvEntry, ListHead, ListItem, LockRow, QueueHead, QueueItem
from botstate.stores import OrmStore
from tests.stores.waiting import lock_waiters, other_threads, until

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "0" * 32
JOINING: dict[str, Callable[[OrmStore], Any]] = {
    "kv.set of a new key": lambda store: store.kv.set("new", 1),
    "kv.set of an old key": lambda store: store.kv.set("old", "changed", ttl=60),
    "kv.delete": lambda store: store.kv.delete("old"),
    "kv.consume": lambda store: store.kv.consume("old"),
    "list.append to a new list": lambda store: store.list.append("new", 1),
    "list.append to an old list": lambda store: store.list.append("old", "changed", max_len=1, ttl=60),
    "list.trim": lambda store: store.list.trim("old", 0),
    "list.delete": lambda store: store.list.delete("old"),
    "queue.enqueue to a new queue": lambda store: store.queue.enqueue("new", 1),
    "queue.enqueue to an old queue": lambda store: store.queue.enqueue("old", "changed", max_size=1, ttl=60),
    "queue.dequeue": lambda store: store.queue.dequeue("old"),
    "dedup.seen": lambda store: store.dedup.seen("new", 60),
}
REFUSING: dict[str, Callable[[OrmStore], Any]] = {
    "lock.acquire": lambda store: store.lock.acquire("key"),
    "lock.release": lambda store: store.lock.release("key", TOKEN),
    "lock.extend": lambda store: store.lock.extend("key", TOKEN, 60),
    "lock.force_release": lambda store: store.lock.force_release("key"),
    "dedup.claim": lambda store: store.dedup.claim("key", 60),
    "dedup.commit": lambda store: store.dedup.commit("key", TOKEN, 60),
    "dedup.release": lambda store: store.dedup.release("key", TOKEN),
    "queue.claim": lambda store: store.queue.claim("key", 60),
    "queue.ack": lambda store: store.queue.ack("key", TOKEN),
    "queue.nack": lambda store: store.queue.nack("key", TOKEN),
}


class Undo(Exception):
    """Raised to roll a transaction back."""


@pytest.fixture
def store() -> OrmStore:
    store = OrmStore()
    store.kv.set("old", "before")
    for value in ("first", "second"):
        store.list.append("old", value)
        store.queue.enqueue("old", value)
    return store


def everything() -> list[list[dict[str, Any]]]:
    """Return every row of the store."""
    models = (KvEntry, ListHead, ListItem, LockRow, DedupEntry, QueueHead, QueueItem)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("name", list(JOINING))
def test_it_rolls_back_with_the_caller(store: OrmStore, name: str) -> None:
    before = everything()
    with pytest.raises(Undo), transaction.atomic():
        JOINING[name](store)
        assert everything() != before, f"{name} takes effect within the transaction"
        raise Undo
    assert everything() == before, f"{name} joins the caller's transaction, and is undone with it"


@pytest.mark.parametrize("name", list(JOINING))
def test_it_rolls_back_to_a_savepoint_and_commits_with_the_caller(store: OrmStore, name: str) -> None:
    before = everything()
    with transaction.atomic():
        with pytest.raises(Undo), transaction.atomic():
            JOINING[name](store)
            raise Undo
        assert everything() == before, f"{name} is undone with the savepoint"
        JOINING[name](store)
    assert everything() != before, f"{name} is committed with the caller's transaction"


def test_close_raises_inside_a_transaction_and_loses_nothing(store: OrmStore) -> None:
    with transaction.atomic():
        store.kv.set("new", 1)
        with pytest.raises(StoreError, match=r"store\.close"):
            store.close()
        with transaction.atomic(), pytest.raises(StoreError, match=r"store\.close"):
            store.close()
    assert store.kv.get("new") == 1
    with autocommit_off():
        store.kv.set("newer", 2)
        with pytest.raises(StoreError, match=r"store\.close"):
            store.close()
        transaction.commit()
    store.close()
    assert store.kv.get("newer") == 2


@contextmanager
def autocommit_off() -> Iterator[None]:
    """Let the connection begin transactions by itself, as the setting AUTOCOMMIT can."""
    transaction.set_autocommit(False)
    try:
        yield
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("name", list(JOINING))
def test_it_ends_with_a_transaction_that_was_begun_without_a_block(store: OrmStore, name: str, portable: bool) -> None:
    store = OrmStore(portable=portable)
    before = everything()
    with autocommit_off():
        JOINING[name](store)
        transaction.rollback()
        assert everything() == before, f"{name} is undone with the caller's transaction"
        transaction.rollback()
        JOINING[name](store)
        transaction.commit()
    assert everything() != before, f"{name} is committed with it"


@pytest.mark.needs("sqlite")
@pytest.mark.parametrize("portable", [False, True])
def test_it_locks_before_it_reads_where_autocommit_is_off(store: OrmStore, portable: bool) -> None:
    with autocommit_off(), CaptureQueriesContext(connection) as queries:
        OrmStore(portable=portable).list.append("old", "first")
        OrmStore(portable=portable).list.append("old", "second")
    begun = [query["sql"] for query in queries].index("BEGIN IMMEDIATE")
    assert begun == 0, "what is read before another's write is no more true after it"
    assert not any("BEGIN" in query["sql"] for query in queries[1:]), "a transaction that is open is joined"


def test_a_transaction_sees_its_own_writes(store: OrmStore) -> None:
    with transaction.atomic():
        store.kv.set("new", 1)
        store.list.append("new", 1)
        store.queue.enqueue("new", 1)
        assert not store.dedup.seen("new", 60)
        assert store.kv.get("new") == 1
        assert store.list.range("new") == [1]
        assert store.queue.depth("new") == 1
        assert store.dedup.check("new") == "done"


def test_a_refusal_leaves_the_callers_transaction_whole(store: OrmStore) -> None:
    with transaction.atomic():
        store.kv.set("new", 1)
        with pytest.raises(NotSerializable):
            store.kv.set("new", {1})
        with pytest.raises(StoreError):
            store.lock.acquire("key")
        store.kv.set("newer", 2)
    assert (store.kv.get("new"), store.kv.get("newer")) == (1, 2)


@pytest.mark.parametrize("name", list(REFUSING))
def test_it_raises_inside_a_transaction_and_names_the_method(store: OrmStore, name: str) -> None:
    before = everything()
    with transaction.atomic():
        with pytest.raises(StoreError, match=rf"store\.{name} .*transaction\.atomic"):
            REFUSING[name](store)
        with transaction.atomic(), pytest.raises(StoreError, match=name):
            REFUSING[name](store)
    assert everything() == before, f"{name} inside a transaction writes nothing"


def test_hold_raises_inside_a_transaction(store: OrmStore) -> None:
    with transaction.atomic(), pytest.raises(StoreError, match=r"store\.lock\."), store.lock.hold("key"):
        pytest.fail("the block must not be entered")
    assert not LockRow.objects.exists()


def test_hold_that_ends_inside_a_transaction_says_so(store: OrmStore) -> None:
    held = store.lock.hold("key")
    held.__enter__()
    with transaction.atomic(), pytest.raises(StoreError, match=r"store\.lock\.release"):
        held.__exit__(None, None, None)
    assert store.lock.acquire("key") is None, "nothing was released"


@pytest.mark.parametrize("commits", [True, False])
def test_a_concurrent_seen_waits_for_the_outcome(store: OrmStore, commits: bool) -> None:
    with other_threads() as call:
        try:
            with transaction.atomic():
                assert store.dedup.seen("key", 60) is False
                waiting = call(store.dedup.seen, "key", 60)
                if connection.vendor == "postgresql":
                    until(lambda: lock_waiters() == 1, "the other seen waits for the first one's row")
                assert not waiting.done(), "before the outcome is known there is no answer"
                if not commits:
                    raise Undo
        except Undo:
            pass
        assert waiting.result(20) is commits, "seen by another is what became of the transaction"


@pytest.mark.parametrize("portable", [False, True])
def test_in_a_transaction_that_has_failed_the_error_says_so(store: OrmStore, portable: bool) -> None:
    store = OrmStore(portable=portable)
    for knows in (True, False) if connection.vendor == "postgresql" else (True,):
        with transaction.atomic():
            with pytest.raises(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT no such thing")
            # Else Django does not know it, and PostgreSQL does.
            transaction.set_rollback(knows)
            for call in (lambda: store.kv.get("old"), lambda: store.kv.set("old", 1), lambda: store.list.delete("old")):
                with pytest.raises(StoreError, match="can only be rolled back") as told:
                    call()
                assert isinstance(told.value.__cause__, Error)
            transaction.set_rollback(True)


@pytest.mark.needs("postgresql", "mysql")
def test_a_deadlock_of_the_caller_is_its_own(store: OrmStore) -> None:
    store.kv.set("other", "before")

    def take(first: str, second: str, met: list[str]) -> str:
        try:
            with transaction.atomic():
                store.kv.set(first, f"{first} first")
                met.append(first)
                until(lambda: len(met) == 2, "both hold their first row")
                store.kv.set(second, f"{first} first")
        except StoreError as error:
            return f"{type(error).__name__} from {type(error.__cause__).__name__}"
        return "done"

    met: list[str] = []
    with other_threads() as call:
        ends = [call(take, "old", "other", met), call(take, "other", "old", met)]
        results = sorted(end.result(20) for end in ends)
    assert results[1] == "done", "one of the two goes on"
    assert results[0].endswith("from OperationalError"), "the other one's caller is told, and nothing is retried for it"
    assert store.kv.get("old") == store.kv.get("other"), "the transaction that failed has changed nothing"


@pytest.mark.needs("sqlite")
@pytest.mark.parametrize("portable", [False, True])
def test_sqlite_transactions_are_immediate_whatever_the_settings(store: OrmStore, portable: bool) -> None:
    store = OrmStore(portable=portable)
    for configured in (None, "DEFERRED", "EXCLUSIVE", "IMMEDIATE"):
        # The last of them is what tests/settings.py says.
        connection.transaction_mode = configured
        for name, call in (JOINING | REFUSING).items():
            if name == "lock.release":
                store.lock.force_release("key")
            with CaptureQueriesContext(connection) as queries:
                call(store)
            sent = [query["sql"] for query in queries]
            # A statement by itself takes the write lock before it reads anything.
            alone = len(sent) == 1 and not portable
            assert alone or sent[0] == "BEGIN IMMEDIATE", f"{name} must begin with SQLite's write lock"
            assert not any(sql.startswith("BEGIN") for sql in sent[1:]), f"{name} must be one transaction"
        assert connection.transaction_mode == configured, "the project's own transactions stay as they are set"
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            pass
        assert queries[0]["sql"] == f"BEGIN {configured or ''}".strip()


@pytest.mark.needs("postgresql")
def test_what_expires_while_its_reader_waits_for_the_row_is_not_returned(store: OrmStore) -> None:
    seconds = 2.0
    keys = [f"key {number}" for number in range(5)]
    for key in keys:
        store.kv.set(key, "old", ttl=seconds)
        store.list.append(key, "old", ttl=seconds)
        store.queue.enqueue(key, "old", ttl=seconds)
    store.dedup.seen(keys[0], seconds)
    store.dedup.seen(keys[1], seconds)
    claims = [store.dedup.claim(key, seconds) or "" for key in keys[2:4]]
    locks = [store.lock.acquire(key, ttl=seconds) for key in keys[:4]]
    item = store.queue.claim(keys[3], seconds)
    assert item is not None
    tokens = [lock.token if lock else "" for lock in locks]
    waiters: dict[str, tuple[Any, Callable[[], Any]]] = {
        "kv.consume": ("gone", lambda: store.kv.consume(keys[0], "gone")),
        "kv.delete": (False, lambda: store.kv.delete(keys[1])),
        "list.range": ([], lambda: store.list.range(keys[0])),
        "list.delete": (False, lambda: store.list.delete(keys[1])),
        "list.append": (1, lambda: store.list.append(keys[2], "new")),
        "queue.dequeue": ("gone", lambda: store.queue.dequeue(keys[0], "gone")),
        "queue.claim": (None, lambda: store.queue.claim(keys[1], 60)),
        "queue.enqueue": (1, lambda: store.queue.enqueue(keys[2], "new")),
        "queue.ack": (False, lambda: store.queue.ack(keys[3], item.token)),
        "dedup.seen": (False, lambda: store.dedup.seen(keys[0], 60)),
        "dedup.claim": (True, lambda: store.dedup.claim(keys[1], 60) is not None),
        "dedup.commit": (False, lambda: store.dedup.commit(keys[2], claims[0], 60)),
        "dedup.release": (False, lambda: store.dedup.release(keys[3], claims[1])),
        "lock.acquire": (True, lambda: store.lock.acquire(keys[0]) is not None),
        "lock.extend": (False, lambda: store.lock.extend(keys[1], tokens[1], 60)),
        "lock.release": (False, lambda: store.lock.release(keys[2], tokens[2])),
        "lock.force_release": (False, lambda: store.lock.force_release(keys[3])),
    }
    if connection.vendor == "postgresql":
        # There they read what is live without the row lock, and wait for nobody: tests/stores/postgresql.
        for name in ("list.range", "dedup.seen", "dedup.claim", "lock.acquire"):
            del waiters[name]
    with other_threads() as call:
        with transaction.atomic():
            rows: list[Any] = []
            for model in (KvEntry, ListHead, QueueHead, DedupEntry, LockRow):
                rows += model._default_manager.select_for_update().exclude(expires_us=None)
            waiting = {name: call(wait) for name, (_, wait) in waiters.items()}
            until(lambda: lock_waiters() == len(waiters), "every method waits for its row")
            assert now_us("default") < min(row.expires_us for row in rows), "they began to wait before the expiry"
            last = max(row.expires_us for row in rows)
            until(lambda: now_us("default") > last, "everything has expired")
        got = {name: future.result(20) for name, future in waiting.items()}
    assert got == {name: expected for name, (expected, _) in waiters.items()}, (
        "expiry is tested against the store's clock after the row lock has been obtained"
    )


def test_an_error_names_the_driver_s_code_and_no_value() -> None:
    failing, code = {
        "postgresql": ("SELECT 'secret'::integer", "InvalidTextRepresentation 22P02"),
        "mysql": ("SELECT 1 REGEXP '(secret'", "OperationalError 1139"),
        "sqlite": ("SELECT json('secret')", "OperationalError SQLITE_ERROR"),
    }[connection.vendor]

    def fail() -> None:
        with connection.cursor() as cursor:
            cursor.execute(failing)

    with pytest.raises(StoreError) as told:
        run_statement("default", fail)
    assert code in str(told.value)
    assert "secret" not in str(told.value)
