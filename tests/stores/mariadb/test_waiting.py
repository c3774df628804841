"""What a call waits for: its own key's row, and no other key's."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from botstate.exceptions import StoreError
from botstate.models import ListHead, ListItem, QueueHead, QueueItem
from botstate.stores import OrmStore
from tests.stores.aliases import temporary_store
from tests.stores.faults.sessions import session_id
from tests.stores.waiting import other_threads, until

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "impatient"


@pytest.fixture(params=["read committed", "repeatable read"])
def impatient(request: pytest.FixtureRequest) -> Iterator[OrmStore]:
    """A store that gives up at once where it would wait for a row."""
    options = {"isolation_level": request.param, "init_command": "SET SESSION innodb_lock_wait_timeout = 0"}
    with temporary_store(ALIAS, OPTIONS=connection.settings_dict["OPTIONS"] | options) as store:
        yield store


def test_a_call_on_the_last_item_waits_for_no_neighbour(impatient: OrmStore) -> None:
    keys = [f"key {number}" for number in range(4)]
    for key in keys:
        for value in range(2):
            impatient.list.append(key, value)
            impatient.queue.enqueue(key, value)
            assert impatient.queue.claim(key, 60)
    calls: dict[str, Callable[[str], Any]] = {
        "queue.claim": lambda key: impatient.queue.claim(key, 60),
        "queue.dequeue": impatient.queue.dequeue,
        "queue.enqueue": lambda key: impatient.queue.enqueue(key, 1, max_size=1),
        "list.trim": lambda key: impatient.list.trim(key, 0),
        "list.append": lambda key: impatient.list.append(key, 1, max_len=1),
        "list.delete": impatient.list.delete,
    }
    for key in keys:
        with transaction.atomic():
            for head_model, item_model in ((ListHead, ListItem), (QueueHead, QueueItem)):
                for head in head_model._default_manager.exclude(label=key):
                    assert item_model._default_manager.select_for_update().filter(head_id=head.pk)
            for name, call in calls.items():
                assert call(key) is not False, name


def test_a_row_that_another_holds_is_waited_for(impatient: OrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botstate.db.transactions.MAX_ATTEMPTS", 2)
    impatient.list.append("key", 0)
    with transaction.atomic():
        OrmStore().list.append("key", 1)
        with pytest.raises(StoreError):
            impatient.list.append("key", 2)
        impatient.list.append("another key", 2)
    assert impatient.list.range("key") == [0, 1]


def test_an_interrupted_wait_leaves_no_transaction_open() -> None:
    """MariaDB ends a block whose query is killed without any of its handlers."""
    sessions: list[int] = []

    def wait() -> bool:
        with temporary_store(ALIAS, CONN_MAX_AGE=None) as store:
            store.list.range("key")
            sessions.append(session_id(ALIAS))
            with pytest.raises(StoreError):
                store.list.append("key", 1)
            with connections[ALIAS].cursor() as cursor:
                cursor.execute("SELECT CONNECTION_ID(), @@in_transaction")
                session, is_open = cursor.fetchone()
            assert session == sessions[0], "the connection itself is whole"
            return bool(is_open)

    OrmStore().list.append("key", 0)
    with other_threads() as call, transaction.atomic():
        OrmStore().list.append("key", 0)
        waiting = call(wait)
        until(lambda: bool(sessions) and is_in_append(sessions[0]), "it waits for the head's row")
        with connection.cursor() as cursor:
            cursor.execute(f"KILL QUERY {sessions[0]}")
        assert waiting.result(20) is False
    assert OrmStore().list.range("key") == [0, 0]


def is_in_append(session: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = %s", [session])
        row = cursor.fetchone()
        return bool(row and row[0] and "botstate_listhead" in row[0])
