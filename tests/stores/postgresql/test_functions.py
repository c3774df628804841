"""The database functions: they come with migrate, come back when they are lost, and keep to their schema."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from botstate.exceptions import StoreError, StoreUnavailable
from botstate.runtime.postgresql.functions import RUNTIME_FUNCTIONS
from botstate.stores import OrmStore
from botstate.stores.orm.postgresql.functions import KEYED_FUNCTIONS, STORE_FUNCTIONS
from tests.stores.postgresql.operations import ALL

pytestmark = pytest.mark.django_db(transaction=True)


def functions(schema: str = "public") -> list[str]:
    """Return the names of the functions in a schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            r"SELECT proname FROM pg_proc WHERE proname LIKE 'botstate\_%%' AND pronamespace = %s::regnamespace"
            " ORDER BY 1",
            [schema],
        )
        return [row[0] for row in cursor.fetchall()]


SETS = (STORE_FUNCTIONS, KEYED_FUNCTIONS, RUNTIME_FUNCTIONS)


def create_functions() -> None:
    for functions_of in SETS:
        functions_of.create(connection)


def drop_functions() -> None:
    for functions_of in SETS:
        functions_of.drop(connection)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def tenant() -> Iterator[str]:
    """A second schema with tables of its own, before public in the session's search path."""
    run('CREATE SCHEMA "a tenant"')
    try:
        for model in apps.get_app_config("botstate").get_models():
            table = model._meta.db_table
            run(f'CREATE TABLE "a tenant".{table} (LIKE public.{table} INCLUDING ALL)')
        run('SET search_path TO "a tenant", public')
        yield '"a tenant"'
    finally:
        run("SET search_path TO DEFAULT")
        run('DROP SCHEMA "a tenant" CASCADE')


def test_what_was_dropped_comes_back_with_migrate() -> None:
    store = OrmStore()
    store.list.append("key", 1)
    before = functions()
    assert "botstate_list_append" in before
    assert "botstate_keyed_write" in before
    drop_functions()
    assert functions() == []
    with pytest.raises(StoreError, match="migrate") as told:
        store.list.append("key", 2)
    assert not isinstance(told.value, StoreUnavailable)
    call_command("migrate", verbosity=0, stdout=StringIO())
    assert functions() == before
    assert store.list.append("key", 2) == 2, "in the session that had prepared the statement before, too"


def test_what_is_of_another_version_is_replaced() -> None:
    run("CREATE OR REPLACE FUNCTION botstate_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT 1::bigint $$")
    STORE_FUNCTIONS.restore("default")
    with connection.cursor() as cursor:
        cursor.execute("SELECT botstate_now()")
        assert cursor.fetchone()[0] > 10**15


def test_what_takes_or_returns_something_else_is_replaced() -> None:
    run("DROP FUNCTION botstate_queue_dequeue(uuid)")
    run("CREATE FUNCTION botstate_queue_dequeue(uuid) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$")
    run("CREATE FUNCTION botstate_queue_dequeue(text) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$")
    STORE_FUNCTIONS.restore("default")
    store = OrmStore()
    store.queue.enqueue("key", "value")
    assert store.queue.dequeue("key") == "value"
    assert functions().count("botstate_queue_dequeue") == 1


def test_what_has_other_settings_is_replaced() -> None:
    run("ALTER FUNCTION botstate_queue_dequeue(uuid) RESET ALL")
    STORE_FUNCTIONS.restore("default")
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'botstate_queue_dequeue'")
        assert "enable_seqscan=off" in cursor.fetchone()[0]


def test_nothing_is_replaced_that_is_as_it_should_be() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, oid FROM pg_proc WHERE proname LIKE 'botstate%%' ORDER BY oid")
        before = cursor.fetchall()
        STORE_FUNCTIONS.restore("default")
        cursor.execute("SELECT xmin::text, oid FROM pg_proc WHERE proname LIKE 'botstate%%' ORDER BY oid")
        assert cursor.fetchall() == before, "a migrate by a role that does not own them is no error"


def test_the_migration_can_be_taken_back_and_made_again() -> None:
    before = functions()
    try:
        call_command("migrate", "botstate", "0001", verbosity=0, stdout=StringIO())
        assert functions() == []
    finally:
        call_command("migrate", verbosity=0, stdout=StringIO())
    assert functions() == before


def test_they_are_made_where_the_tables_are(tenant: str) -> None:
    create_functions()
    assert functions(tenant) == functions()
    store = OrmStore()
    for name, call in ALL.items():
        if name != "kv.consume":
            call(store)
    store.list.append("tenant's", 1)
    run("SET search_path TO public")
    assert OrmStore().list.range("tenant's") == [], "each schema's functions write to its own tables"
    run(f"SET search_path TO {tenant}, public")
    assert OrmStore().list.range("tenant's") == [1]
    drop_functions()
    assert functions(tenant) == []
    assert functions() != []


def test_nothing_is_made_where_there_are_no_tables() -> None:
    run("CREATE SCHEMA empty")
    try:
        run("SET search_path TO empty")
        STORE_FUNCTIONS.restore("default")
        assert functions("empty") == []
    finally:
        run("SET search_path TO DEFAULT")
        run("DROP SCHEMA empty")
