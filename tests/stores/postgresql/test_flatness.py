"""What a call reads does not grow with its queue or list, whatever the planner knows of the table."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from botstate.models import ListHead, ListItem, QueueHead, QueueItem
from botstate.stores import OrmStore

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

DEPTH = 5_000

CALLS: dict[str, Callable[[OrmStore], Any]] = {
    "enqueue, dropping the oldest": lambda store: store.queue.enqueue("k", 0, max_size=DEPTH),
    "enqueue, dropping the newest": lambda store: store.queue.enqueue("k", 0, max_size=DEPTH, on_full="drop-newest"),
    "dequeue": lambda store: store.queue.dequeue("k"),
    "append with a cap": lambda store: store.list.append("k", 0, max_len=DEPTH),
    "range": lambda store: store.list.range("k", DEPTH // 2, DEPTH // 2 + 1),
}


def rows_read() -> int:
    """Return how many rows of items this transaction has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('botstate_queueitem', 'botstate_listitem')"
        )
        return int(cursor.fetchone()[0])


def analyze() -> None:
    """Let the planner see the tables as they are."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE botstate_queueitem, botstate_listitem")


@pytest.mark.parametrize("analyzed", ["never", "when it was small", "now"])
@pytest.mark.parametrize("name", list(CALLS))
def test_a_call_reads_a_few_rows_of_many(name: str, analyzed: str) -> None:
    store = OrmStore()
    store.queue.enqueue("k", 0)
    store.list.append("k", 0)
    if analyzed == "when it was small":
        analyze()
    queue, items = QueueHead.objects.get(), ListHead.objects.get()
    QueueItem.objects.bulk_create(QueueItem(head=queue, seq=seq, value="0") for seq in range(1, DEPTH))
    ListItem.objects.bulk_create(ListItem(head=items, seq=seq, value="0") for seq in range(1, DEPTH))
    QueueHead.objects.update(depth=DEPTH, next_seq=DEPTH)
    ListHead.objects.update(length=DEPTH, next_seq=DEPTH)
    if analyzed == "now":
        analyze()
    with transaction.atomic():
        before = rows_read()
        CALLS[name](store)
        assert rows_read() - before < 20
