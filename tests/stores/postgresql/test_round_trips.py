"""Every primitive is one statement and one round trip, counted on the wire, BEGIN and COMMIT included."""

import pytest
from django.db import connections, transaction
from psycopg import Cursor

from botstate.exceptions import StoreError
from tests.stores.postgresql.operations import ALL, JOINING
from tests.stores.postgresql.wire import ALIAS, wired_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("prepare", [True, False])
def test_every_primitive_is_one_round_trip(prepare: bool) -> None:
    with wired_store(prepare=prepare) as (store, wire):
        for call in ALL.values():
            # The first use in a session prepares the statement, in a round trip of its own.
            call(store)
        for _ in range(2):
            for name, call in ALL.items():
                wire.messages.clear()
                call(store)
                assert (wire.round_trips, wire.statements) == (1, 1), f"{name}: {dict(wire.messages)}"
                assert wire.messages["P"] == (0 if prepare else 1), f"{name} is parsed once per session if prepared"


def test_every_primitive_that_joins_is_one_round_trip_more_in_a_transaction() -> None:
    with wired_store() as (store, wire), transaction.atomic(using=ALIAS):
        for call in JOINING.values():
            # Transactions have prepared statements of their own.
            call(store)
        for name, call in JOINING.items():
            wire.messages.clear()
            call(store)
            assert (wire.round_trips, wire.statements) == (1, 1), f"{name}: {dict(wire.messages)}"


def test_the_real_ends_of_claims_and_leases_are_one_round_trip_too() -> None:
    with wired_store() as (store, wire):
        for _ in range(2):
            wire.messages.clear()
            lock = store.lock.acquire("lock")
            assert lock is not None
            assert store.lock.acquire("lock") is None
            assert store.lock.extend("lock", lock.token, 60)
            assert store.lock.release("lock", lock.token)
            assert store.lock.acquire("lock") is not None
            assert store.lock.force_release("lock")
            token = store.dedup.claim("dedup", 60) or ""
            assert store.dedup.check("dedup") == "claimed"
            assert store.dedup.release("dedup", token)
            token = store.dedup.claim("dedup", 60) or ""
            assert store.dedup.commit("dedup", token, 0.01)
            store.queue.enqueue("queue", 1)
            store.queue.enqueue("queue", 2)
            claim = store.queue.claim("queue", 60)
            assert claim is not None
            assert store.queue.nack("queue", claim.token)
            claim = store.queue.claim("queue", 60)
            assert claim is not None
            assert store.queue.ack("queue", claim.token)
            assert store.queue.dequeue("queue") == 2
            calls = 19
            while store.dedup.check("dedup") != "new":
                calls += 1
        assert wire.round_trips == calls, dict(wire.messages)


def test_django_s_own_statements_are_prepared_no_more_than_before() -> None:
    with wired_store() as (store, wire):
        store.kv.get("key")
        inner = connections[ALIAS].connection
        assert inner is not None
        assert inner.prepare_threshold is None, "Django's setting stands"
        cursor = Cursor(inner)
        wire.messages.clear()
        for _ in range(10):
            cursor.execute("SELECT %s::int", [1])
        assert wire.messages["P"] == 10


def test_a_session_that_another_client_has_used_is_no_riddle() -> None:
    with wired_store() as (store, _):
        store.kv.get("key")
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%botstate_kventry%'")
            ((name,),) = cursor.fetchall()
    with wired_store() as (store, _):
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(f"PREPARE {name} AS SELECT 1")
        with pytest.raises(StoreError, match="prepare=False"):
            store.kv.get("key")


def test_a_name_is_one_statement_s_in_every_process() -> None:
    """Else a session that is another client's by mistake would run one statement for another."""
    names = []
    for calls in (("get", "delete"), ("delete", "get")):
        with wired_store() as (store, _):
            for call in calls:
                getattr(store.kv, call)("key")
            with connections[ALIAS].cursor() as cursor:
                cursor.execute("SELECT name, statement FROM pg_prepared_statements ORDER BY name")
                names.append(cursor.fetchall())
    assert len(names[0]) == 2
    assert names[0] == names[1]


def test_prepared_statements_that_somebody_discarded_are_made_again() -> None:
    with wired_store() as (store, _):
        store.kv.set("key", 1)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("DISCARD ALL")
        store.kv.set("key", 2)
        assert store.kv.get("key") == 2
