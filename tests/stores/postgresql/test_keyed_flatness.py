"""What a call reads does not grow with its collection, nor with others, whatever the planner knew of the table."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F

from botstate.keyed import KeyedStore, open_keyed_store
from botstate.models import KeyedHead, QueueHead
from botstate.stores import OrmStore

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

FEW, MANY = 100, 100_000
#: A tree of so many entries is a level or two higher, in each of five indexes.
MOST_MORE = 40

CALLS: dict[str, Callable[[KeyedStore], Any]] = {
    "register, evicting": lambda keyed: keyed.register("new", 0),
    "register of what is there": lambda keyed: keyed.register("key 2", 0),
    "register_if_absent, evicting": lambda keyed: keyed.register_if_absent("newer", 0),
    "register_if_absent of what is there": lambda keyed: keyed.register_if_absent("key 3", 0),
    "lookup": lambda keyed: keyed.lookup("key 4"),
    "lookup_many": lambda keyed: keyed.lookup_many([f"key {number}" for number in range(8)]),
    "compare_and_set": lambda keyed: keyed.compare_and_set("key 5", 0, 1),
    "consume": lambda keyed: keyed.consume("key 6"),
    "delete_if": lambda keyed: keyed.delete_if("key 7", 0),
    "entries_in_range": lambda keyed: keyed.entries_in_range("filler 5", limit=5),
    "entries_in_range, descending": lambda keyed: keyed.entries_in_range(end="filler 5", limit=5, order="desc"),
    "count": lambda keyed: keyed.count(),
}


def run(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def fill(head: UUID, count: int, expires_us: int | None) -> None:
    """Add entries that were written before all others."""
    run(
        "INSERT INTO botstate_keyedentry (digest, head_id, seq, key, key_start, value, created_us, expires_us)"
        " SELECT gen_random_uuid(), %s, number, key, key, '0', 0, %s"
        "   FROM generate_series(-%s, -1) AS number, convert_to('filler ' || -number, 'UTF8') AS key",
        head,
        expires_us,
        count,
    )
    KeyedHead.objects.filter(digest=head).update(length=F("length") + count)


def buffers_of(call: Callable[[], Any]) -> int:
    """Return how many pages the server looks at for the one statement of a call, those of its functions included."""
    statements: list[tuple[str, Any]] = []

    def take(execute: Any, sql: str, parameters: Any, *rest: Any) -> Any:
        statements.append((sql, parameters))
        raise InterruptedError

    with connection.execute_wrapper(take), pytest.raises(InterruptedError):
        call()
    [(sql, parameters)] = statements
    assert isinstance(connection.connection, psycopg.Connection)
    with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        row: Any = cursor.fetchone()
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def buffers(keyed: KeyedStore, count: int, analyzed: str) -> dict[str, int]:
    """Return how many pages each call looks at, of a collection of so many entries beside one of expired ones."""
    run("TRUNCATE botstate_keyedhead, botstate_keyedentry")
    store = OrmStore()
    small, other = (open_keyed_store(namespace, 1, store=store) for namespace in ("entries", "other"))
    other.register("key", 0)
    small.register("key", 0)
    if analyzed == "when it was small":
        run("VACUUM ANALYZE botstate_keyedhead, botstate_keyedentry")
    # As often as it takes until a session keeps its plans.
    for _ in range(8):
        for call in CALLS.values():
            call(small)
    small.clear()
    for namespace, expires_us in (("entries", None), ("other", 1)):
        fill(KeyedHead.objects.get(label=namespace).digest, count, expires_us)
    for number in range(8):
        keyed.register(f"key {number}", 0)
    if analyzed == "now":
        run("ANALYZE botstate_keyedhead, botstate_keyedentry")
    for _ in range(2):
        # The first time the catalogue is read too.
        pages = {name: buffers_of(lambda call=call: call(keyed)) for name, call in CALLS.items()}
    return pages


@pytest.mark.parametrize("analyzed", ["never", "when it was small", "now"])
def test_a_call_looks_at_as_many_pages_of_many_as_of_few(analyzed: str) -> None:
    few, many = (
        buffers(open_keyed_store("entries", count, store=OrmStore()), count, analyzed) for count in (FEW, MANY)
    )
    for name, pages in many.items():
        assert pages <= few[name] + MOST_MORE, f"{name}: {few[name]} pages of {FEW}, {pages} of {MANY}"


def test_what_has_expired_of_a_collection_goes_one_by_one() -> None:
    """A new entry in a full collection removes one expired entry, however many there are."""
    run("TRUNCATE botstate_keyedhead, botstate_keyedentry")
    keyed = open_keyed_store("entries", MANY, store=OrmStore())
    keyed.register("key", 0)
    fill(KeyedHead.objects.get().digest, MANY, 1)
    for key in ("warm", "warmer"):
        keyed.register(key, 0)
    assert buffers_of(lambda: keyed.register("new", 0)) < 150
    assert keyed.count() == 4


def test_a_bound_that_was_lowered_costs_as_much_as_there_is_too_much() -> None:
    """And no more for each that goes, though what went before it is still in the index."""
    pages: dict[str, list[int]] = {"evicting": [], "of expired": [], "of a queue": []}
    for count in (500, 4_000):
        for name, expires_us in (("evicting", None), ("of expired", 1)):
            keyed = open_keyed_store(f"{name} {count}", 1, store=OrmStore())
            keyed.register("key", 0)
            fill(KeyedHead.objects.get(label=f"{name} {count}").digest, count, expires_us)
            run("UPDATE botstate_keyedentry SET expires_us = -seq WHERE expires_us IS NOT NULL")
            pages[name].append(buffers_of(partial(keyed.register, "new", 0)))
        queue = OrmStore().queue
        for on_full in ("drop-oldest", "drop-newest"):
            queue.enqueue("key", 0)
            run(
                "INSERT INTO botstate_queueitem (head_id, seq, value, token, attempts)"
                " SELECT digest, next_seq + number, '0', '', 0"
                "   FROM botstate_queuehead, generate_series(0, %s) AS number",
                count - 1,
            )
            QueueHead.objects.update(depth=F("depth") + count, next_seq=F("next_seq") + count)
            pages["of a queue"].append(buffers_of(partial(queue.enqueue, "key", 1, 1, on_full)))
            queue.dequeue("key")
            run("TRUNCATE botstate_queuehead, botstate_queueitem")
    for name, counted in pages.items():
        assert counted[-1] < 16 * counted[0], f"{name}: {counted} pages, of 8 times as many"
