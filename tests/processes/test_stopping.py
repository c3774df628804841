"""Celery's own ways to end something: a worker that is told to stop, and the soft limit of its prefork pool.

They are about Celery and not about the database, so once is enough.
"""

import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery

from botproject.demo.processes import Program
from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.contracts.events import Event, Origin
from botstate.models import Thread, ThreadLease, Turn
from botstate.runtime.doorbell import TASK
from botstate.runtime.inbox import accept
from tests.processes.conftest import Stage

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.once]


class Door:
    """Accepts messages in this process, and rings for them where the stage's workers hear it."""

    def __init__(self, stage: Stage, bot: Bot) -> None:
        self._bot = bot
        self._numbers = itertools.count()
        self.messages = stage.directory / "broker" / "messages"
        self.messages.mkdir(parents=True)
        control = self.messages.parent / "control"
        control.mkdir()
        folders = {"data_folder_in": str(self.messages), "data_folder_out": str(self.messages)}
        self._bells = Celery("bells", broker="filesystem://", set_as_current=False)
        self._bells.conf.broker_transport_options = {**folders, "control_folder": str(control)}

    def say(self, text: str, key: str = "C111:1.0") -> None:
        event = Event(
            "message",
            Origin("helper", "slack", "", "T1"),
            key,
            f"message {next(self._numbers)}",
            channel="C111",
            data={"text": text},
        )
        assert accept("default", self._bot, event).thread_id

    def ring(self) -> None:
        self._bells.send_task(TASK, args=[list(Thread.objects.values_list("pk", flat=True))])

    def has_bells(self) -> bool:
        return any(self.messages.iterdir())


@pytest.fixture
def door(stage: Stage, make_bot: Callable[..., Bot]) -> Door:
    bot = make_bot(on_lock_conflict="queue")
    bot.on_message(lambda thread, message: None)
    return Door(stage, bot)


def statuses() -> list[tuple[str, int]]:
    return list(Turn.objects.order_by("pk").values_list("status", "attempts"))


def told_to_stop(worker: Program) -> None:
    """Do what a deploy does, and wait until the worker knows."""
    os.kill(worker.pids()[0], signal.SIGTERM)
    wait_until(lambda: "Warm shutdown" in worker.log_text(), "the worker's word", 10)


def posts(stage: Stage) -> list[Any]:
    return [call.arguments["text"] for call in stage.api.done("chat.postMessage")]


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_that_is_told_to_stop_finishes_its_turn_and_another_soon_runs_the_rest(
    stage: Stage, door: Door, pool: str
) -> None:
    worker = stage.start_worker(pool, beat=False)
    for text in ("hang", "second", "third"):
        door.say(text)
    door.ring()
    stage.wait_for_trace("hang attempt 1")
    assert not door.has_bells()
    told_to_stop(worker)
    (stage.directory / "go on").touch()
    wait_until(lambda: not worker.pids(), "the worker's own end", 20)
    assert stage.traces() == ["hang attempt 1", "hang done"]
    assert statuses() == [("done", 1), ("waiting", 0), ("waiting", 0)]
    assert not ThreadLease.objects.get().token
    assert door.has_bells(), "it rang for what it handed back"

    stage.start_worker(pool, beat=False)
    stage.wait_for_trace("third done")
    wait_until(lambda: len(posts(stage)) == 3, "every post", 10)
    assert posts(stage) == ["did hang", "did second", "did third"]
    assert statuses() == [("done", 1)] * 3


def test_a_function_that_takes_too_long_is_interrupted_in_the_prefork_pool_and_runs_again(
    stage: Stage, door: Door
) -> None:
    worker = stage.start_worker("prefork", beat=False, BOTPROJECT_TURN_TIMEOUT="1s")
    before = worker.pids()
    door.say("nap")
    door.ring()
    stage.wait_for_trace("nap done", 20)
    assert stage.traces() == ["nap attempt 1", "nap SoftTimeLimitExceeded", "nap attempt 2", "nap done"]

    door.say("after")
    door.ring()
    stage.wait_for_trace("after done")
    wait_until(lambda: posts(stage) == ["did nap", "did after"], "both posts", 10)
    assert statuses() == [("done", 2), ("done", 1)]
    assert worker.pids() == before, "no child has died of it"
