"""A handler that calls its thread from several threads of the process at once."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import ThreadState
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import run_thread
from tests.runtime.busy import only_thread, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 6


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: None)


def at_once(call: Callable[[int], Any]) -> None:
    barrier = threading.Barrier(THREADS)

    def work(number: int) -> None:
        try:
            barrier.wait(20)
            call(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("atomic", [True, False])
def test_nothing_is_lost_and_nothing_is_sent_twice(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, atomic: bool
) -> None:
    bot = make_bot(atomic_turns=atomic, max_attempts=1)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        at_once(lambda number: thread.set_state({str(number): number}))
        assert len(thread.state()) == THREADS
        at_once(lambda number: thread.post(f"post {number}"))

    send(slack, "1")
    run_thread(only_thread())
    assert statuses() == ["done"]
    assert json.loads(ThreadState.objects.get().value) == {str(number): number for number in range(THREADS)}
    texts = [call.arguments["text"] for call in slack_api.calls]
    assert sorted(texts) == [f"post {number}" for number in range(THREADS)]
