"""A worker that stands still for longer than its lease, a real process: another takes over, and it changes nothing."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.db.clock import now_us
from botstate.exceptions import TurnSuperseded
from botstate.models import Delivery, ThreadLease, ThreadState, Turn
from botstate.models import Thread as ThreadRow
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.forks import Fork, Say
from tests.slack.signing import SlackSender

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


class Freezer:
    """Runs the thread in a process that is frozen in the middle of its handler until another worker is done.

    The handler of the frozen process is `frozen(thread, say)`, called once it has thawed.
    """

    def __init__(self, slack: SlackSender, api: SlackWebApi) -> None:
        self.api = api
        self._slack = slack
        self._frozen: Fork | None = None

    def freeze(self, bot: Bot, before: Callable[[Any], None], after: Callable[[Any, Say], None]) -> list[str]:
        """Let the frozen process do `before`, then freeze, then do `after`; return what it says."""
        thaw, thawed = os.pipe()
        sayer: list[Say] = []

        @bot.on_message
        def handle(thread: Any, message: Any) -> None:
            if not sayer:
                thread.set_state(by="another")
                thread.post("another's")
                return
            before(thread)
            sayer[0]("in the handler")
            os.read(thaw, 1)
            after(thread, sayer[0])

        def work(say: Say) -> None:
            sayer.append(say)
            say(str(run_thread(thread_id)))

        self._slack.message()
        thread_id = ThreadRow.objects.get().pk
        self._frozen = Fork(work)
        assert self._frozen.next_line() == "in the handler"
        self._stop(self._frozen.pid)
        wait_until(lambda: ThreadLease.objects.get().expires_us < now_us("default"), "the end of its lease", 10)
        # The other worker's lease is one that a busy machine does not outlast.
        bot.lock_ttl_us = 60_000_000
        assert run_thread(thread_id) == Drained.IDLE
        os.write(thawed, b"x")
        os.kill(self._frozen.pid, signal.SIGCONT)
        said = self._frozen.wait()
        for end in (thaw, thawed):
            os.close(end)
        return said

    def _stop(self, pid: int) -> None:
        """Stop the process, but not while its heartbeat holds the lease's row: whoever came next would wait for it."""
        nowait = connection.features.has_select_for_update_nowait
        for _ in range(100):
            os.kill(pid, signal.SIGSTOP)
            try:
                with transaction.atomic():
                    assert len(ThreadLease.objects.select_for_update(nowait=nowait)) == 1
            except OperationalError:
                os.kill(pid, signal.SIGCONT)
            else:
                return
        raise AssertionError("the heartbeat holds the row all the time")

    def close(self) -> None:
        if self._frozen is not None:
            self._frozen.kill()

    def assert_only_the_other_did_anything(self) -> None:
        turn = Turn.objects.get()
        assert (turn.status, turn.attempts) == ("done", 2)
        assert ThreadState.objects.get().value == '{"by":"another"}'
        assert [call.arguments["text"] for call in self.api.calls] == ["another's"]
        assert Delivery.objects.get().status == "sent"
        assert not ThreadLease.objects.get().token
        assert ThreadRow.objects.get().ring_us is None


@pytest.fixture
def freezer(slack: SlackSender, slack_api: SlackWebApi) -> Iterator[Freezer]:
    freezer = Freezer(slack, slack_api)
    yield freezer
    freezer.close()


@pytest.mark.parametrize("atomic", [True, False])
def test_the_next_change_of_a_worker_that_was_frozen_raises_and_changes_nothing(
    make_bot: Callable[..., Bot], freezer: Freezer, atomic: bool
) -> None:
    bot = make_bot(lock_ttl="300ms", atomic_turns=atomic)

    def change(thread: Any, say: Say) -> None:
        say(f"superseded {thread.turn.superseded}")
        for write in (lambda: thread.set_state(by="frozen"), lambda: thread.post("frozen's")):
            try:
                write()
            except TurnSuperseded:
                say("TurnSuperseded")
            else:
                say("changed")

    said = freezer.freeze(bot, lambda thread: None, change)
    assert said == ["superseded True", "TurnSuperseded", "TurnSuperseded", str(Drained.SUPERSEDED)]
    freezer.assert_only_the_other_did_anything()


def test_what_a_worker_did_before_it_was_frozen_is_not_stored_either(
    make_bot: Callable[..., Bot], freezer: Freezer
) -> None:
    bot = make_bot(lock_ttl="300ms")

    def change(thread: Any) -> None:
        thread.set_state(by="frozen")
        thread.post("frozen's")

    said = freezer.freeze(bot, change, lambda thread, say: say("returns"))
    assert said == ["returns", str(Drained.SUPERSEDED)]
    freezer.assert_only_the_other_did_anything()
