"""However often a thread is rung for, its turns run once, in order, one at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import Thread as ThreadRow
from botstate.models import ThreadState, Turn
from botstate.runtime.worker import Drained, run_thread
from tests.slack.signing import SlackSender

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

BELLS = 100
WORKERS = 4


def test_a_thread_that_is_rung_for_a_hundred_times_runs_each_turn_once(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi
) -> None:
    bot = make_bot(on_lock_conflict="queue")
    running: list[str] = []
    ran: list[tuple[str, int]] = []

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        running.append(message.text)
        ran.append((message.text, len(running)))
        thread.set_state({message.text: True})
        thread.post(message.text)
        running.remove(message.text)

    texts = [str(number) for number in range(6)]
    for text in texts:
        slack.message(ts=f"9.{text}", thread_ts="1.0", text=text)
    thread_id = ThreadRow.objects.get().pk
    together = Barrier(WORKERS)

    def hear(bells: int) -> set[Drained]:
        together.wait(20)
        try:
            return {run_thread(thread_id) for _ in range(bells)}
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as workers:
        ends = set().union(*workers.map(hear, [BELLS // WORKERS] * WORKERS))
    assert ends <= {Drained.IDLE, Drained.BUSY_ELSEWHERE}
    assert ran == [(text, 1) for text in texts]
    assert [call.arguments["text"] for call in slack_api.calls] == texts
    assert ThreadState.objects.get().value == "{" + ",".join(f'"{text}":true' for text in texts) + "}"
    assert set(Turn.objects.values_list("status", "attempts")) == {("done", 1)}
    assert ThreadRow.objects.get().ring_us is None
