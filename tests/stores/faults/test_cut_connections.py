"""A connection that the server cuts: the caller is told, nothing is half-written, and the next call is served."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import Error, connection, connections, transaction

from botstate.exceptions import StoreError, StoreUnavailable
from botstate.models import KvEntry, ListHead, QueueHead
from botstate.stores import OrmStore
from tests.stores.aliases import temporary_store
from tests.stores.faults.operations import ALL, JOINING, READING, Stocked, everything
from tests.stores.faults.sessions import end_session, lock_waiters, session_id
from tests.stores.waiting import other_threads, until

pytestmark = [
    pytest.mark.needs("postgresql", "mysql"),
    pytest.mark.django_db(transaction=True, available_apps=["botstate"]),
]

ALIAS = "cut"


@pytest.fixture
def store() -> Iterator[OrmStore]:
    """A store on a connection beside that of the test, which stays whole."""
    with temporary_store(ALIAS) as store:
        yield store


class Cut:
    """An execute wrapper that has the connection cut before its nth statement; `reached` once that has come."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self.reached = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            self.reached = True
            end_session(session_id(ALIAS))
        return execute(sql, params, many, context)


@contextmanager
def cut_at_commit() -> Iterator[list[bool]]:
    """Have the connection cut when it is about to commit, or to end a transaction in another way."""
    wrapper: Any = connections[ALIAS]
    reached: list[bool] = []
    commit = wrapper._commit

    def cut() -> Any:
        reached.append(True)
        end_session(session_id(ALIAS))
        return commit()

    wrapper._commit = cut
    try:
        yield reached
    finally:
        del wrapper._commit


def assert_told(call: Callable[[], Any], name: str) -> None:
    with pytest.raises(StoreUnavailable) as told:
        call()
    assert isinstance(told.value.__cause__, Error), f"{name}: StoreUnavailable carries the driver's error"


def test_a_cut_before_any_statement_of_a_primitive(store: OrmStore) -> None:
    for name in ALL:
        # What is cut changes nothing, so this is enough for all of the primitive's statements.
        had = Stocked(store)
        before = everything()
        nth = 1
        while cut_before(nth, name, had):
            # The next time is served by a new connection.
            assert everything() == before, f"{name}, cut before statement {nth}, was half done"
            nth += 1
        assert nth > 1, f"{name} executes statements"
        assert (everything() != before) is (name not in READING), f"{name} is done where nothing is cut"


def cut_before(nth: int, name: str, had: Stocked) -> bool:
    """Cut a primitive before its nth statement; False if it has no more than that."""
    cut = Cut(nth)
    with connections[ALIAS].execute_wrapper(cut):
        if nth == 1:
            assert_told(lambda: ALL[name](had), name)
        else:
            try:
                ALL[name](had)
            except StoreUnavailable:
                assert cut.reached
    return cut.reached


def test_a_cut_at_the_commit_of_a_primitive(store: OrmStore) -> None:
    without = set()
    for name, call in ALL.items():
        had = Stocked(store)
        before = everything()
        with cut_at_commit() as reached:
            try:
                call(had)
            except StoreUnavailable as error:
                assert reached and isinstance(error.__cause__, Error), name
            else:
                assert not reached, f"{name} was acknowledged, and its commit was not"
        if reached:
            assert everything() == before, f"{name} was half done"
        else:
            without.add(name)
        assert store.kv.get("dummy", "served") == "served"
    # What is one statement has no commit of its own.
    assert without == set(ALL)


def test_a_cut_inside_the_callers_transaction(store: OrmStore) -> None:
    for name, call in JOINING.items():
        had = Stocked(store)
        before = everything()
        with pytest.raises(StoreUnavailable), transaction.atomic(using=ALIAS):
            store.list.append("key", "within")
            store.queue.enqueue("key", "within")
            call(had)
            end_session(session_id(ALIAS))
            try:
                call(had)
            finally:
                # However often it is asked: this transaction is over, and nothing may come to stand alone.
                with pytest.raises(StoreError):
                    store.kv.set("after the cut", 1)
        assert everything() == before, f"{name}: a transaction that was cut has changed nothing"
        store.kv.set("key", "after")
        assert store.kv.get("key") == "after", "the store recovers by itself"


def test_a_cut_while_it_waits_for_a_row(store: OrmStore) -> None:
    had = Stocked(store)
    before = everything()
    sessions: list[int] = []

    def wait(method: Callable[[OrmStore], Any]) -> Any:
        with temporary_store(f"{ALIAS} waiting") as other:
            other.kv.get("key")
            sessions.append(session_id(f"{ALIAS} waiting"))
            try:
                method(other)
            except StoreUnavailable as error:
                return type(error.__cause__), other.kv.get("after", "served")
            return "done"

    waiters: list[Callable[[OrmStore], Any]] = [
        lambda other: other.kv.consume("key"),
        lambda other: other.list.append("key", "new", max_len=1),
        lambda other: other.queue.enqueue("key", "new", max_size=1),
        lambda other: other.queue.ack("leased", had.item),
    ]
    with other_threads() as call, transaction.atomic():
        for model in (KvEntry, ListHead, QueueHead):
            list(model._default_manager.select_for_update())
        waiting = [call(wait, method) for method in waiters]
        until(lambda: lock_waiters() == len(waiters), "each waits for its row")
        for session in sessions:
            with connections[ALIAS].cursor() as cursor:
                sql = "SELECT pg_terminate_backend(%s)" if connection.vendor == "postgresql" else "KILL CONNECTION %s"
                cursor.execute(sql, [session])
        for future in waiting:
            cause, after = future.result(20)
            assert issubclass(cause, Error)
            assert after == "served", "in the same thread, by a new connection"
    assert everything() == before, "what was cut while it waited has written nothing"
