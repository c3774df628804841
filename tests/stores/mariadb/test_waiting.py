"""What a call waits for: its own key's row, and no other key's."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from botstate.exceptions import StoreError
from botstate.keyed import open_keyed_store
from botstate.models import DedupEntry, KeyedEntry, KeyedHead, KvEntry, ListHead, ListItem, QueueHead, QueueItem
from botstate.stores import OrmStore
from botstate.stores.orm.lists import OrmList
from botstate.stores.orm.queues import OrmQueue
from tests.stores.aliases import temporary_store
from tests.stores.clock import advance
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


def test_a_sweep_and_a_call_that_drops_much_wait_for_no_row_that_another_holds(impatient: OrmStore) -> None:
    """In small tables, of which they delete most: reading them all would be the cheapest way to find those rows."""
    store = OrmStore()
    for number in range(60):
        store.kv.set(f"key {number}", 1, ttl=60)
        store.dedup.seen(f"key {number}", 60)
        for key, ttl in (("old", 60), ("long", None)):
            store.list.append(key, number, ttl=ttl)
            store.queue.enqueue(key, number, ttl=ttl)
            open_keyed_store(key, store=store).register(str(number), 1, ttl=ttl)
    advance(60)
    store.kv.set("held", 1)
    store.dedup.seen("held", 60)
    store.list.append("held", 1)
    store.queue.enqueue("held", 1)
    open_keyed_store("held", store=store).register("held", 1)
    # By keys: a join may read, and so hold, far more rows than it returns.
    held: list[Any] = [
        model._default_manager.filter(pk=model._default_manager.get(label="held").pk) for model in (KvEntry, DedupEntry)
    ]
    heads = ((ListItem, ListHead), (QueueItem, QueueHead), (KeyedEntry, KeyedHead))
    held += [model._default_manager.filter(head_id=head._default_manager.get(label="held").pk) for model, head in heads]
    with connections[ALIAS].cursor() as cursor:
        # With 0, MariaDB 10.11 refuses the COMMIT of whoever has skipped a locked row.
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    with transaction.atomic():
        assert store.kv.consume("key 7", "gone") == "gone"
        for rows in held:
            assert len(rows.select_for_update()) == 1
        swept = impatient.sweep()
        # MySQL's path, and that of a store with portable=True.
        assert OrmQueue(ALIAS).enqueue("long", 1, max_size=10) == 10
        assert OrmList(ALIAS).append("long", 1, max_len=10) == 10
        OrmList(ALIAS).trim("long", 0)
    assert swept == {"kv": 59, "list": 61, "lock": 0, "dedup": 60, "queue": 61, "keyed": 61}
    assert [len(rows) for rows in held] == [1] * 5, "what lives is left"


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
