"""Steps that hold a thread's row keep no turn from ending: both would wait for each other."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from botstate import Bot
from botstate.contracts.events import Event, Origin
from botstate.db.clock import now_us
from botstate.db.locks import locked
from botstate.models import Delivery
from botstate.models import Thread as ThreadRow
from botstate.runtime.inbox import accept
from botstate.runtime.work import begin
from tests.slack.signing import SlackSender

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("postgresql")]


def lock_alone(row: ThreadRow, bot: Bot) -> None:
    locked("default", ThreadRow.objects.filter(pk=row.pk)).get()


def lock_by_beginning(row: ThreadRow, bot: Bot) -> None:
    begin("default", row.pk, bot)


def lock_by_accepting(row: ThreadRow, bot: Bot) -> None:
    origin = Origin(row.bot, row.platform, row.app, row.workspace)
    accept("default", bot, Event("message", origin, row.key, "another event"))


@pytest.mark.parametrize("lock", [lock_alone, lock_by_beginning, lock_by_accepting])
def test_a_message_is_stored_while_another_worker_has_the_threads_row(
    make_bot: Callable[..., Bot], slack: SlackSender, lock: Callable[..., None]
) -> None:
    bot = make_bot(on_lock_conflict="queue")
    bot.on_message(lambda thread, message: None)
    slack.message()
    row = ThreadRow.objects.get()
    errors: list[Any] = []

    def store() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            Delivery.objects.create(thread=row, position=0, kind="post", payload="{}", created_us=now_us("default"))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        # What botstate runs in a transaction of its own is made to stay open.
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        lock(row, bot)
        other = Thread(target=store)
        other.start()
        other.join(20)
    assert not errors
