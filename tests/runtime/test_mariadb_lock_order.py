"""On MariaDB a row that refers to a thread locks its row: who ends a turn takes that one before the lease's."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import Thread, ThreadLease, Turn
from botstate.runtime.worker import Drained, run_thread
from tests.slack.signing import SlackSender
from tests.stores.faults.sessions import lock_waiters
from tests.stores.waiting import other_threads, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("mysql")]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_turn_that_posts_waits_for_its_threads_row_without_the_leases(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, atomic: bool
) -> None:
    bot = make_bot(atomic_turns=atomic)
    begun, may_post = Event(), Event()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        begun.set()
        assert may_post.wait(20)
        thread.post("Hello")

    slack.message()
    (pk,) = Thread.objects.values_list("pk", flat=True)
    with other_threads() as start:
        running = start(run_thread, pk)
        assert begun.wait(20)
        with transaction.atomic():
            # As whoever accepts an event, and "force", which then takes the lease's row.
            Thread.objects.select_for_update().get(pk=pk)
            may_post.set()
            until(lambda: lock_waiters() > 0, "the turn waits for the thread's row")
            assert ThreadLease.objects.select_for_update(nowait=True).get(pk=pk).token
        assert running.result(20) == Drained.IDLE
    assert Turn.objects.get().status == "done"
