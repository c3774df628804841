"""What a call reads does not grow with its queue or list, nor with those of other keys."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from botstate.contracts.queues import OnFull
from botstate.models import ListHead, ListItem, QueueHead, QueueItem
from botstate.stores import OrmStore

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

DEPTH = 500

CALLS: dict[str, Callable[[OrmStore], Any]] = {
    "enqueue, dropping the oldest": lambda store: store.queue.enqueue("k", 0, max_size=DEPTH),
    "enqueue, dropping the newest": lambda store: store.queue.enqueue("k", 0, max_size=DEPTH, on_full="drop-newest"),
    "dequeue": lambda store: store.queue.dequeue("k"),
    "depth": lambda store: store.queue.depth("k"),
    "append with a cap": lambda store: store.list.append("k", 0, max_len=DEPTH),
    "trim": lambda store: store.list.trim("k", DEPTH - 1),
    "range": lambda store: store.list.range("k", DEPTH // 2, DEPTH // 2 + 1),
}


def rows_read() -> int:
    """Return how many rows this session has asked InnoDB for so far."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(count) for _, count in cursor.fetchall())


def fill(key: str, depth: int) -> None:
    store = OrmStore()
    store.queue.enqueue(key, 0)
    store.list.append(key, 0)
    queue, items = QueueHead.objects.get(label=key), ListHead.objects.get(label=key)
    QueueItem.objects.bulk_create(QueueItem(head=queue, seq=seq, value="0") for seq in range(1, depth))
    ListItem.objects.bulk_create(ListItem(head=items, seq=seq, value="0") for seq in range(1, depth))
    QueueHead.objects.filter(label=key).update(depth=depth, next_seq=depth)
    ListHead.objects.filter(label=key).update(length=depth, next_seq=depth)


@pytest.mark.parametrize("analyzed", ["when it was small", "now"])
def test_a_call_reads_a_few_rows_of_many(analyzed: str) -> None:
    store = OrmStore()
    if analyzed == "when it was small":
        analyze()
    for key in ("j", "k", "l"):
        fill(key, DEPTH)
    if analyzed == "now":
        analyze()
    read = {}
    for name, call in CALLS.items():
        with transaction.atomic():
            before = rows_read()
            call(store)
            read[name] = rows_read() - before
    assert max(read.values()) < 20, read


def analyze() -> None:
    """Let the planner see the tables as they are."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE botstate_queueitem, botstate_listitem")
        cursor.fetchall()


@pytest.mark.parametrize("on_full", ["drop-oldest", "drop-newest"])
def test_a_bound_that_was_lowered_costs_as_much_as_there_is_too_much(on_full: OnFull) -> None:
    """And no more for each that goes, though what went before it is still in the index."""
    seconds = []
    for depth in (DEPTH, 20 * DEPTH):
        fill("k", depth)
        begun = time.perf_counter()
        assert OrmStore().queue.enqueue("k", 0, 1, on_full) == 1
        seconds.append(time.perf_counter() - begun)
        QueueHead.objects.all().delete()
        QueueItem.objects.all().delete()
        ListHead.objects.all().delete()
        ListItem.objects.all().delete()
    assert seconds[1] < 100 * seconds[0], seconds
