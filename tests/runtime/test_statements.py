"""How many statements a worker sends, BEGIN and COMMIT included; docs/measurements.md has the same numbers."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import Delivery, Thread
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.desk import Desk
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)

RunAll = Callable[[], list[Drained]]

#: From the thread's row to the released lease. "one more": each further turn that waits in the thread.
EXPECTED = {
    "postgresql": {"nothing": 2, "a turn": 3, "one more": 1, "state and a post": 19},
    "sqlite": {"nothing": 14, "a turn": 23, "one more": 9, "state and a post": 40},
    "mysql": {"nothing": 16, "a turn": 26, "one more": 10, "state and a post": 47},
}


def count(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


def test_the_number_of_statements_of_a_turn(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot(on_lock_conflict="queue")

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        if message.text == "write":
            thread.set_state(text=message.text)
            thread.post("Done")

    def run(*texts: str) -> int:
        for text in texts:
            slack.message(ts=f"9.{next(numbers)}", thread_ts="1.0", text=text)
        pk = Thread.objects.values_list("pk", flat=True).get()
        return count(lambda: run_thread(pk))

    numbers = itertools.count()
    counted: dict[str, int] = {}
    # The first turn of a thread also makes its lease.
    run("")
    counted["a turn"] = run("")
    counted["nothing"] = run()
    counted["one more"] = run("", "", "") - run("", "")
    counted["state and a post"] = run("write")
    assert counted == EXPECTED[connection.vendor]


def test_the_number_of_statements_of_a_click_beyond_its_turns(
    desk: Desk, restart: Callable[[], None], slack_api: SlackWebApi
) -> None:
    (pk,) = Thread.objects.values_list("pk", flat=True)
    desk.run_all = list

    def click(label: str) -> int:
        desk.click(desk.action_id(label))
        return count(lambda: run_thread(pk))

    def message() -> int:
        desk.slack.message(ts="1.5", thread_ts="1.0", text="nothing")
        return count(lambda: run_thread(pk))

    desk.make_bot().on_message(lambda thread, message: None)
    empty = message()
    desk.deploy()
    # The deploy is another process's: it has not posted the card, and does not know it.
    restart()
    cold, cold_once = click("Approve") - empty, click("Once") - empty
    assert (cold, cold_once) == (1, 2)

    desk.slack.message(ts="2.0")
    (second,) = Thread.objects.exclude(pk=pk).values_list("pk", flat=True)
    run_thread(second)
    hot_delivery = Delivery.objects.latest("pk")
    hot = {control.label: control.action_id for control in hot_delivery.actions.all()}

    def click_hot(label: str) -> int:
        desk.click(hot[label], ref=hot_delivery.ref)
        return count(lambda: run_thread(second))

    assert (click_hot("Approve") - empty, click_hot("Once") - empty) == (1, 1)
