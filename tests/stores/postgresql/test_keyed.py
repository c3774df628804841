"""Keyed entries: updates, the caller's transaction, and the same rows as on the portable path."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F
from psycopg import errors

from botstate.exceptions import LimitExceeded, StoreError, StoreUnavailable
from botstate.keyed import UNCHANGED, Entry, KeyedStore, open_keyed_store
from botstate.models import KeyedEntry, KeyedHead
from botstate.models.stores import KEY_START_BYTES
from botstate.stores import OrmStore
from tests.stores.postgresql.operations import entries
from tests.stores.postgresql.wire import ALIAS, wired_store
from tests.stores.waiting import other_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def keyed() -> KeyedStore:
    return entries(OrmStore())


def test_an_update_is_two_round_trips_at_most_when_nobody_interferes() -> None:
    with wired_store() as (store, wire):
        keyed = entries(store)

        def assert_round_trips() -> None:
            for key, function, expected in (
                ("key", lambda value: value + 1, 2),
                ("key", lambda value: UNCHANGED, 1),
                ("new", lambda value: 1, 2),
                ("none", lambda value: UNCHANGED, 1),
            ):
                wire.messages.clear()
                keyed.update(key, function)
                assert (wire.round_trips, wire.statements) == (expected, expected), dict(wire.messages)

        # The first use in a session prepares the statements.
        keyed.register("key", 0)
        keyed.delete("new")
        keyed.lookup("key")
        assert_round_trips()
        keyed.delete("new")
        with transaction.atomic(using=ALIAS):
            # Transactions have prepared statements of their own.
            keyed.register("key", 0)
            keyed.delete("new")
            keyed.lookup("key")
            assert_round_trips()


def test_what_is_refused_is_one_round_trip_too() -> None:
    with wired_store() as (store, wire):
        full = open_keyed_store("full", 1, overflow="reject-new", store=store)
        full.register("key", 1)
        for register in (full.register, full.register_if_absent):
            wire.messages.clear()
            with pytest.raises(LimitExceeded):
                register("another", 1)
            assert (wire.round_trips, wire.statements) == (1, 1)
        assert [entry.key for entry in full.entries()] == ["key"]


def test_a_call_is_undone_with_the_caller_s_transaction(keyed: KeyedStore) -> None:
    class Undo(Exception):
        pass

    for key in ("consumed", "deleted", "updated", "set"):
        keyed.register(key, 1)
    before = keyed.entries()
    with pytest.raises(Undo), transaction.atomic():
        entries(OrmStore(), 3).register("new", 1)
        keyed.register_if_absent("newer", 1)
        keyed.consume("consumed")
        keyed.delete("deleted")
        keyed.update("updated", lambda value: value + 1)
        keyed.compare_and_set("set", 1, 2)
        assert keyed.lookup("updated") == 2, "it sees its own writes"
        keyed.clear()
        assert keyed.count() == 0
        raise Undo
    assert keyed.entries() == before
    assert keyed.count() == KeyedHead.objects.get().length == 4


def test_an_error_marks_the_caller_s_transaction_for_rollback(keyed: KeyedStore) -> None:
    def divide(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute("SELECT 1/0", (), many, context)

    with transaction.atomic():
        keyed.register("outer", 1)
        with transaction.atomic():
            with connection.execute_wrapper(divide), pytest.raises(StoreError) as told:
                keyed.register("key", 1)
            assert told.value.operation == "register"
            assert isinstance(told.value.__cause__, DatabaseError)
            assert connection.needs_rollback
        assert keyed.lookup("outer") == 1
    assert keyed.count() == 1


def test_what_is_ours_is_tried_again_after_a_deadlock(keyed: KeyedStore) -> None:
    attempts = []

    def fail_once(execute: Callable[..., Any], *rest: Any) -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            raise OperationalError("deadlock") from errors.DeadlockDetected()
        return execute(*rest)

    with connection.execute_wrapper(fail_once):
        keyed.register("key", 1)
    assert len(attempts) == 2
    assert keyed.lookup("key") == 1


def test_a_transaction_that_may_not_see_a_change_fails_rather_than_lose_it(keyed: KeyedStore) -> None:
    """Under REPEATABLE READ, for a value that another changed after the transaction's first look."""
    keyed.register("key", [])
    with other_threads() as call, pytest.raises(StoreUnavailable), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert keyed.lookup("key") == []
        call(keyed.update, "key", lambda value: [*value, "theirs"]).result(10)
        keyed.update("key", lambda value: [*value, "ours"])
    assert keyed.lookup("key") == ["theirs"]


def test_what_others_have_not_committed_is_not_acted_on(keyed: KeyedStore) -> None:
    keyed.register("held", 1)
    with other_threads() as call:
        with transaction.atomic():
            keyed.consume("held")
            keyed.register("new", 1)
            assert call(keyed.register_if_absent, "held", 2).result(10) is False
            assert call(keyed.consume, "new").result(10) is None
            assert call(keyed.count).result(10) == 1
        assert (keyed.lookup("held"), keyed.lookup("new")) == (None, 1)


def test_the_index_has_a_key_s_first_bytes(keyed: KeyedStore) -> None:
    keys = ["é" * 200, "é" * 200 + "b", "é" * 200 + "a", "\x00", "z" * 1024, "a\x00"]
    for key in keys:
        keyed.register(key, 1)
    for row in KeyedEntry.objects.all():
        assert bytes(row.key_start) == bytes(row.key)[:KEY_START_BYTES]
    assert [entry.key for entry in keyed.entries_in_range()] == sorted(keys)
    assert [entry.key for entry in keyed.entries_in_range(order="desc")] == sorted(keys, reverse=True)
    assert [entry.key for entry in keyed.entries_in_range("é" * 200 + "a", limit=1)] == ["é" * 200 + "a"]
    assert [entry.key for entry in keyed.entries_in_range(end="é" * 200 + "b", order="desc", limit=1)] == [keys[2]]


def advance(seconds: float) -> None:
    """Let time pass for every entry."""
    KeyedEntry.objects.update(expires_us=F("expires_us") - round(seconds * 1_000_000))


def a_step(choose: random.Random) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return a method of a keyed store with its arguments."""
    key, value = f"key {choose.randrange(6)}", choose.randrange(3)
    ttl = {"ttl": choose.choice([None, None, 10, 30])}
    return choose.choice(
        [
            *[("register", (key, value), ttl)] * 6,
            *[("register_if_absent", (key, value), ttl)] * 4,
            ("consume", (key,), {}),
            ("delete", (key,), {}),
            ("delete_if", (key, value), {}),
            ("compare_and_set", (key, value, value + 1), ttl),
            ("lookup_many", ([f"key {number}" for number in range(6)],), {}),
            ("entries_in_range", (f"key {choose.randrange(6)}", key, 2, choose.choice(["asc", "desc"])), {}),
            *([("clear", (), {})] if choose.random() < 0.1 else []),
        ]
    )


def shown(result: Any) -> Any:
    """Return what two stores must agree on: all but the times."""
    if not isinstance(result, list):
        return result
    return [(each.key, each.value) if isinstance(each, Entry) else each for each in result]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_it_does_what_the_portable_path_does(seed: int) -> None:
    choose = random.Random(seed)
    stores = {name: OrmStore(namespace=name, portable=name == "portable") for name in ("fast", "portable")}
    for step in range(150):
        if step % 25 == 0:
            # A bound that is lowered and raised between the openings of one namespace.
            bound, overflow = choose.choice([1, 2, 3, 5, None]), choose.choice(["evict-oldest", "reject-new"])
            options = {"max_entries": bound, "overflow": overflow if bound else "evict-oldest"}
        if step % 10 == 9:
            advance(12)
        method, arguments, named = a_step(choose)
        got = {}
        for name, store in stores.items():
            try:
                got[name] = shown(getattr(open_keyed_store("n", store=store, **options), method)(*arguments, **named))
            except LimitExceeded:
                got[name] = "full"
        told = f"step {step}: {method} {arguments} {named} {options}"
        assert got["fast"] == got["portable"], told
        fast, portable = [open_keyed_store("n", store=store) for store in stores.values()]
        assert shown(fast.entries()) == shown(portable.entries()), told
        assert fast.count() == len(fast.entries()), told
        head = KeyedHead.objects.filter(namespace="fast").first()
        rows = [] if head is None else KeyedEntry.objects.filter(head=head)
        assert len(rows) == (head.length if head else 0), told
        assert len({row.seq for row in rows}) == len(rows), told
        assert all(head and row.seq < head.next_seq for row in rows), told
