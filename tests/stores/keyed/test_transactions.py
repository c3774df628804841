"""Keyed entries and the caller's transaction: what joins it, what it sees, and who waits for whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from botstate.exceptions import LimitExceeded, NotSerializable
from botstate.keyed import UNCHANGED, KeyedStore, open_keyed_store
from botstate.models import KeyedEntry, KeyedHead
from botstate.stores import OrmStore
from tests.stores.waiting import lock_waiters, other_threads, until

pytestmark = pytest.mark.django_db(transaction=True)

WRITES: dict[str, Callable[[KeyedStore], Any]] = {
    "register of a new key": lambda entries: entries.register("new", 1),
    "register of a live key": lambda entries: entries.register("a", "changed", ttl=60),
    "register_if_absent": lambda entries: entries.register_if_absent("new", 1),
    "update of a live key": lambda entries: entries.update("a", lambda had: [had]),
    "update of a new key": lambda entries: entries.update("new", lambda had: 1),
    "compare_and_set": lambda entries: entries.compare_and_set("a", "before", "changed"),
    "consume": lambda entries: entries.consume("a"),
    "delete": lambda entries: entries.delete("a"),
    "delete_if": lambda entries: entries.delete_if("a", "before"),
    "clear": lambda entries: entries.clear(),
}


class Undo(Exception):
    """Raised to roll a transaction back."""


@pytest.fixture(params=["fast", "portable"])
def entries(request: pytest.FixtureRequest) -> KeyedStore:
    """A full namespace of two entries."""
    entries = open_keyed_store("n", max_entries=2, store=OrmStore(portable=request.param == "portable"))
    entries.register("a", "before")
    entries.register("b", "before")
    return entries


def everything() -> list[list[dict[str, Any]]]:
    models = (KeyedHead, KeyedEntry)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("name", list(WRITES))
def test_it_rolls_back_with_the_caller(entries: KeyedStore, name: str) -> None:
    before = everything()
    with pytest.raises(Undo), transaction.atomic():
        WRITES[name](entries)
        assert everything() != before, f"{name} takes effect within the transaction"
        raise Undo
    assert everything() == before, f"{name} joins the caller's transaction, and is undone with it"


@pytest.mark.parametrize("name", list(WRITES))
def test_it_rolls_back_to_a_savepoint_and_commits_with_the_caller(entries: KeyedStore, name: str) -> None:
    before = everything()
    with transaction.atomic():
        with pytest.raises(Undo), transaction.atomic():
            WRITES[name](entries)
            raise Undo
        assert everything() == before, f"{name} is undone with the savepoint"
        WRITES[name](entries)
    assert everything() != before, f"{name} is committed with the caller's transaction"
    (head,) = KeyedHead.objects.all()
    assert head.length == KeyedEntry.objects.count(), "a head counts its rows"


def test_a_transaction_sees_its_own_writes(entries: KeyedStore) -> None:
    with transaction.atomic():
        entries.register("c", 1)
        assert [entry.key for entry in entries.entries()] == ["b", "c"]
        assert entries.update("c", lambda had: had + 1) == entries.lookup("c") == 2
        assert not entries.register_if_absent("c", 3)
        assert entries.consume("c") == 2
        assert entries.count() == 1


def test_a_refusal_leaves_the_callers_transaction_whole(entries: KeyedStore) -> None:
    rejecting = open_keyed_store("full", max_entries=1, overflow="reject-new", store=entries._store)

    def fail(had: Any) -> Any:
        raise ZeroDivisionError

    with transaction.atomic():
        rejecting.register("a", 1)
        for refused in (rejecting.register, rejecting.register_if_absent):
            with pytest.raises(LimitExceeded):
                refused("b", 1)
        with pytest.raises(LimitExceeded):
            rejecting.update("b", lambda had: 1)
        with pytest.raises(ZeroDivisionError):
            rejecting.update("a", fail)
        with pytest.raises(NotSerializable):
            rejecting.update("a", lambda had: {had})
        with pytest.raises(ValueError, match="ttl"):
            rejecting.register("a", 2, ttl=0)
        assert rejecting.update("a", lambda had: UNCHANGED) == 1
        rejecting.update("a", lambda had: had + 1)
    assert rejecting.lookup("a") == 2, "after each of them the transaction went on, and was committed"


def test_a_function_that_writes_to_the_namespace_itself_breaks_no_bound(entries: KeyedStore) -> None:
    def meddle(had: Any) -> Any:
        for key in "bcd":
            entries.register(key, "meddled")
        return "mine"

    for key in ("a", "new"):
        with transaction.atomic():
            assert entries.update(key, meddle) == "mine"
        assert [[entry.key, entry.value] for entry in entries.entries()] == [["d", "meddled"], [key, "mine"]]
        assert KeyedHead.objects.get().length == KeyedEntry.objects.count() == 2, "a head counts its rows"


@pytest.mark.needs("postgresql", "mysql")
def test_an_update_sees_what_others_committed_since_the_transaction_began(entries: KeyedStore) -> None:
    calls: list[int] = []

    def increment(had: int) -> int:
        calls.append(had)
        return had + 1

    entries.register("n", 0)
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with other_threads() as call:
        with transaction.atomic():
            assert entries.lookup("n") == 0, "this is where MariaDB takes its snapshot"
            call(entries.update, "n", lambda had: had + 10).result(20)
            if connection.vendor == "mysql":
                assert entries.lookup("n") == 0, "a plain read is of the snapshot"
            assert entries.update("n", increment) == 11, "update works on the current value"
        assert calls == [10], "within a transaction fn is called once, under the lock"
    assert entries.lookup("n") == 11


@pytest.mark.needs("mysql")
def test_the_bound_counts_what_others_committed_since_the_transaction_began(entries: KeyedStore) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with other_threads() as call, transaction.atomic():
        assert entries.count() == 2
        call(entries.register, "c", 1).result(20)
        assert entries.register_if_absent("c", 2) is False, "what others registered is there"
        assert not entries.compare_and_set("a", "before", 1), "what others evicted is not"
        entries.register("d", 1)
    assert [entry.key for entry in entries.entries()] == ["c", "d"], "what goes is what is the oldest by now"
    assert KeyedHead.objects.get().length == KeyedEntry.objects.count() == 2


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("commits", [True, False])
def test_a_concurrent_claim_waits_for_the_outcome(entries: KeyedStore, commits: bool) -> None:
    with other_threads() as call:
        try:
            with transaction.atomic():
                assert entries.register_if_absent("c", "mine")
                waiting = call(entries.register_if_absent, "c", "other")
                until(lambda: lock_waiters() == 1, "the other claim waits for the namespace's head")
                assert entries.lookup("b") == "before"
                assert call(entries.lookup, "c", "gone").result(20) == "gone", "reading waits for nobody"
                if not commits:
                    raise Undo
        except Undo:
            pass
        assert waiting.result(20) is not commits, "who claims it is what became of the transaction"
    assert entries.lookup("c") == ("mine" if commits else "other")


@pytest.mark.needs("postgresql")
def test_what_changes_while_it_is_waited_for_is_no_longer_what_was_expected(entries: KeyedStore) -> None:
    with other_threads() as call:
        with transaction.atomic():
            entries.register("a", "changed")
            entries.register("b", "changed")
            waiting = [call(entries.delete_if, "a", "before"), call(entries.compare_and_set, "b", "before", "lost")]
            until(lambda: lock_waiters() == 2, "they wait for the namespace's head")
        assert [future.result(20) for future in waiting] == [False, False]
    assert entries.lookup_many(["a", "b"]) == ["changed", "changed"]


@pytest.mark.needs("postgresql")
def test_what_expires_while_its_reader_waits_for_the_head_is_not_returned(entries: KeyedStore) -> None:
    seconds = 1.5
    free = open_keyed_store("waiting", store=entries._store)
    for key in "abcdef":
        free.register(key, "old", ttl=seconds)
    waiters: dict[str, tuple[Any, Callable[[], Any]]] = {
        "consume": ("gone", lambda: free.consume("a", "gone")),
        "delete": (False, lambda: free.delete("b")),
        "delete_if": (False, lambda: free.delete_if("c", "old")),
        "compare_and_set": (False, lambda: free.compare_and_set("d", "old", "new")),
        "register_if_absent": (True, lambda: free.register_if_absent("e", "new")),
    }
    with other_threads() as call:
        with transaction.atomic():
            head = KeyedHead.objects.select_for_update().get(label="waiting")
            waiting = {name: call(wait) for name, (_, wait) in waiters.items()}
            until(lambda: lock_waiters() == sum(not each.done() for each in waiting.values()), "they wait for the head")
            answered = [name for name, future in waiting.items() if future.done()]
            # A claim may see that the entry lives without the lock, and wait for nobody.
            assert answered in ([], ["register_if_absent"])
            assert free.count() == 6, "they began to wait before the expiry"
            until(lambda: free.count() == 0, "everything has expired")
            assert head.length == 6
        got = {name: future.result(20) for name, future in waiting.items()}
    expected = {name: expected for name, (expected, _) in waiters.items()} | dict.fromkeys(answered, False)
    assert got == expected, "expiry is tested against the store's clock after the head has been locked"
