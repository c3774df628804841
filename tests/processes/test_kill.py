"""What is accepted is kept, whatever is killed."""

import shutil

import pytest
from django.db import connection

from botproject.demo.slack_workspace import find_button
from botproject.demo.waiting import wait_until
from botstate.models import Delivery, Thread, ThreadState, Turn
from tests.processes.conftest import Stage

pytestmark = [pytest.mark.long, pytest.mark.processes]


def statuses() -> list[tuple[str, int]]:
    return list(Turn.objects.order_by("pk").values_list("status", "attempts"))


def redeliver_soon() -> None:
    """Let the time be over for which a bell is trusted."""
    Thread.objects.update(ring_us=0)


#: Each of Celery's pools on one of the databases, which have nothing to do with each other.
POOLS = {"sqlite": "threads", "postgresql": "prefork", "mysql": "solo"}


def test_a_worker_killed_in_the_middle_of_a_handler_leaves_a_turn_that_runs_again(stage: Stage) -> None:
    pool = POOLS[connection.vendor]
    slack = stage.start_site()
    worker = stage.start_worker(pool)
    hang = stage.message("hang")
    assert slack.send_event(hang).status == 200
    assert slack.send_event(stage.message("after", thread_ts=hang["event"]["ts"])).status == 200
    stage.wait_for_trace("hang attempt 1")
    worker.kill()
    assert statuses() == [("running", 1), ("waiting", 0)]
    assert not ThreadState.objects.exists()
    assert not stage.api.calls

    redeliver_soon()
    stage.start_worker(pool)
    stage.wait_for_trace("after done")
    wait_until(lambda: len(stage.api.done("chat.postMessage")) == 2, "both posts", 30)
    assert stage.traces() == ["hang attempt 1", "hang attempt 2", "hang done", "after attempt 1", "after done"]
    assert statuses() == [("done", 2), ("done", 1)]
    assert ThreadState.objects.get().value == '{"ran":["hang","after"]}'
    assert [call.arguments["text"] for call in stage.api.calls] == ["did hang", "did after"]


def test_events_run_though_every_bell_was_lost(stage: Stage) -> None:
    slack = stage.start_site()
    for number in range(5):
        assert slack.send_event(stage.message(f"lost {number}")).status == 200
    messages = stage.directory / "broker" / "messages"
    wait_until(lambda: any(messages.iterdir()), "a bell", 10)
    stage.kill_all()
    shutil.rmtree(messages)

    redeliver_soon()
    stage.start_worker()
    wait_until(lambda: len(stage.api.done("chat.postMessage")) == 5, "every post", 30)
    assert statuses() == [("done", 1)] * 5


def test_a_button_works_after_everything_was_killed(stage: Stage) -> None:
    slack = stage.start_site()
    stage.start_worker()
    slack.send_event(stage.message("card 7"))
    wait_until(lambda: Delivery.objects.filter(status="sent").exists(), "the card", 30)
    stage.kill_all()

    slack = stage.start_site()
    stage.start_worker()
    (card,) = stage.api.done("chat.postMessage")
    message = card.answer["message"]
    button = find_button(message, "Count")
    assert button is not None
    click = stage.workspace.click("U2", {**message, "channel": card.arguments["channel"]}, button)
    assert slack.send_interaction(click).status == 200
    stage.wait_for_trace("count by 7")
