"""A list is trimmed or deleted while another's transaction changes it: what that left is what counts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from botstate.models import ListHead, ListItem
from botstate.stores import OrmStore
from tests.stores.faults.sessions import lock_waiters
from tests.stores.waiting import other_threads, until

pytestmark = [
    pytest.mark.needs("postgresql", "mysql", "sqlite"),
    pytest.mark.django_db(transaction=True, available_apps=["botstate"]),
]


@pytest.fixture(params=["fast", "portable"])
def store(request: pytest.FixtureRequest) -> OrmStore:
    store = OrmStore(portable=request.param == "portable")
    for number in range(3):
        store.list.append("key", number)
    return store


def after(change: Callable[[], Any], waiter: Callable[[], Any]) -> Any:
    """Let `waiter` wait for a transaction that has made a `change`; return what it gave once that had committed."""
    with other_threads() as call:
        with transaction.atomic():
            change()
            waiting = call(waiter)
            until(lambda: lock_waiters() == 1, "it waits for the list's row")
        return waiting.result(20)


def assert_rows_are_counted() -> None:
    length = sum(ListHead.objects.values_list("length", flat=True))
    assert ListItem.objects.count() == length, "a list's rows are its items, and no others"


def test_a_trim_drops_what_is_too_much_by_then(store: OrmStore) -> None:
    after(lambda: store.list.append("key", 3), lambda: store.list.trim("key", 2))
    assert store.list.range("key") == [2, 3]
    assert_rows_are_counted()


def test_a_trim_lengthens_no_list_that_was_trimmed_further(store: OrmStore) -> None:
    after(lambda: store.list.trim("key", 1), lambda: store.list.trim("key", 2))
    assert store.list.range("key") == [2]
    assert store.list.append("key", 3) == 2
    assert_rows_are_counted()


def test_a_delete_takes_what_was_appended_too(store: OrmStore) -> None:
    assert after(lambda: store.list.append("key", 3), lambda: store.list.delete("key")) is True
    assert store.list.range("key") == []
    assert_rows_are_counted()
    assert store.list.append("key", 4) == 1


def test_a_delete_of_what_was_emptied_deletes_nothing(store: OrmStore) -> None:
    assert after(lambda: store.list.trim("key", 0), lambda: store.list.delete("key")) is False
    assert_rows_are_counted()
