"""Steps read what is open of a thread, and nothing of all that has ended in it."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from botstate import Bot
from botstate.models import Delivery, Turn
from botstate.models import Thread as ThreadRow
from botstate.runtime.bot import LOCK_CONFLICTS
from botstate.runtime.doorbell import doorbell
from botstate.runtime.sweep import sweep_all
from botstate.runtime.turns import ClaimedTurn
from botstate.runtime.work import advance, begin
from botstate.runtime.worker import run_thread
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)

#: Plans that read all of a table, or all of a thread.
_READS_ALL = re.compile(
    r"SCAN (botstate_|U0|V0)|(botstate_turn|botstate_delivery|U0|V0) USING \S* ?INDEX \S+ \(thread_id=\?\)$"
)


def plans(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"))
        return [str(row[-1]) for row in cursor.fetchall()]


def reading_all(queries: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    statements = {query["sql"] for query in queries if re.match("SELECT|UPDATE|DELETE", query["sql"])}
    return [(plan, sql) for sql in statements for plan in plans(sql) if _READS_ALL.search(plan)]


@pytest.mark.needs("sqlite")
@pytest.mark.parametrize("policy", [*LOCK_CONFLICTS, "callable"])
def test_no_statement_reads_what_has_ended(
    make_bot: Callable[..., Bot], slack: SlackSender, monkeypatch: pytest.MonkeyPatch, policy: Any
) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: None)
    choice = (lambda thread, message: "queue") if policy == "callable" else policy
    make_bot(on_lock_conflict=choice, max_waiting=2).on_message(lambda thread, message: None)
    with CaptureQueriesContext(connection) as accepting:
        for text in "1234":
            slack.message(ts=f"9.{text}", thread_ts="1.0", text=text)
    thread_id = ThreadRow.objects.get().pk
    with CaptureQueriesContext(connection) as finding_nothing_due:
        run_thread(thread_id)
    Turn.objects.filter(status="waiting").update(due_us=0)
    with CaptureQueriesContext(connection) as running:
        run_thread(thread_id)
    assert reading_all([*accepting, *finding_nothing_due, *running]) == []


@pytest.mark.needs("sqlite")
def test_the_sweep_reads_no_message_whose_turn_stays(make_bot: Callable[..., Bot]) -> None:
    with CaptureQueriesContext(connection) as queries:
        sweep_all()
    assert [sql for _, sql in reading_all(queries) if f'FROM "{Delivery._meta.db_table}"' in sql] == []


def rows_read() -> int:
    """Rows of botstate's tables that this session has read; only the difference within a transaction means anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname LIKE 'botstate_%%'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("policy", ["queue", "drop"])
def test_statistics_of_an_outage_make_no_step_read_what_has_ended(
    make_bot: Callable[..., Bot], slack: SlackSender, monkeypatch: pytest.MonkeyPatch, policy: Any
) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: None)
    bot = make_bot(on_lock_conflict=policy)
    bot.on_message(lambda thread, message: None)
    slack.message(ts="1.0")
    slack.message(ts="2.0")
    elsewhere, here = ThreadRow.objects.order_by("pk")
    count = 2_000
    for thread, turn_status, status in ((here, "done", "sent"), (elsewhere, "waiting", "waiting")):
        Turn.objects.bulk_create(
            Turn(thread=thread, sequence=1_000 + number, kind="message", event="{}", received_us=1, status=turn_status)
            for number in range(count)
        )
        Delivery.objects.bulk_create(
            Delivery(thread=thread, position=number, kind="post", payload="{}", status=status, created_us=1)
            for number in range(count)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE botstate_turn, botstate_delivery")
    with transaction.atomic():
        # What botstate runs in a transaction of its own counts in this one.
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        before = rows_read()
        begun = begin("default", here.pk, bot)
        assert isinstance(begun, tuple)
        assert isinstance(begun[1], ClaimedTurn)
        advance("default", begun[0], bot, begun[1])
        slack.message(ts="2.1", thread_ts="2.0")
        slack.message(ts="2.2", thread_ts="2.0")
        assert rows_read() - before < 100
