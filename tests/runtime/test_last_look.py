"""A message that arrives exactly while the worker finds nothing waiting is seen by it, or rings at a free lease.

Forced: the worker is stopped in the middle of its last step, and a message is accepted beside it, which has to wait or
gets in first; then both go on. 1,000 times on PostgreSQL; 250 times elsewhere, where a step takes four times as long,
unless BOTSTATE_TEST_MEETINGS says otherwise.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from threading import Event as Signal
from typing import Any

import pytest
from django.db import connection, connections

from botstate import Bot
from botstate.contracts.events import Event, Origin
from botstate.models import Thread, ThreadLease, Turn
from botstate.runtime.inbox import accept
from botstate.runtime.lease import Lease
from botstate.runtime.turns import ClaimedTurn, Idle
from botstate.runtime.work import advance
from botstate.runtime.worker import Drained, run_thread

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

USING = "default"
WITHIN_S = 20
#: More than a worker's last step has statements, anywhere: some of the arrivals find it unstopped.
MAX_STATEMENTS = 16
LATER_US = 1 << 60

#: Stops a worker on PostgreSQL, whose last step is one statement, between its look and the release of the lease.
PAUSE = """
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4711);
    RETURN NEW;
END
$$;
CREATE TRIGGER pause BEFORE UPDATE ON botstate_threadlease FOR EACH ROW
    WHEN (NEW.token = '' AND OLD.token <> '') EXECUTE FUNCTION pause();
"""
RESUME = "DROP TRIGGER pause ON botstate_threadlease; DROP FUNCTION pause()"

Call = Callable[..., "Future[Any]"]


class Conversation:
    """One thread, its worker's last step, and the messages that come in."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._numbers = itertools.count()
        self._fences = itertools.count(100)
        self.arrive()
        self.thread_id = Thread.objects.get().pk
        run_thread(self.thread_id)

    def arrive(self) -> bool:
        """Accept a message; return whether its ring finds the lease free."""
        event = Event("message", Origin("helper", "slack", "", "T1"), "C1:1", f"message {next(self._numbers)}")
        assert accept(USING, self.bot, event).thread_id
        with connection.cursor() as cursor:
            cursor.execute("SELECT token FROM botstate_threadlease")
            return [*cursor.fetchall()] == [("",)]

    def begin(self) -> Lease:
        """Take the lease with nothing left to do: whatever was waiting has been done. SQL, for it is done so often."""
        fence = next(self._fences)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE botstate_turn SET status = 'done' WHERE thread_id = %s AND status IN ('waiting', 'running')",
                [self.thread_id],
            )
            cursor.execute(
                "UPDATE botstate_threadlease SET token = 'worker', fence = %s, expires_us = %s", [fence, LATER_US]
            )
        return Lease(self.thread_id, "worker", fence, 30_000_000)

    def last_step(self, lease: Lease) -> bool:
        """Look for something to do, or release the lease; return whether the message was seen."""
        following = advance(USING, lease, self.bot)
        assert isinstance(following, ClaimedTurn | Idle)
        return isinstance(following, ClaimedTurn)


@contextmanager
def signalling(sent: Signal) -> Iterator[None]:
    """Set `sent` once this thread has sent the first statement that may wait for the worker's locks."""

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if connection.vendor == "mysql" and "FOR UPDATE" not in sql:
            return execute(sql, params, many, context)
        driver: Any = connection.connection
        if connection.vendor == "mysql":
            # PyMySQL comes here when it has sent, and is about to wait for the answer.
            read = driver._read_query_result
            driver._read_query_result = lambda *args, **kwargs: (sent.set(), read(*args, **kwargs))[1]
            try:
                return execute(sql, params, many, context)
            finally:
                del driver._read_query_result
        sent.set()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield


def meet_between_statements(conversation: Conversation, call: Call, number: int) -> tuple[bool, bool]:
    """Let a message arrive before statement `number` of the last step: (seen by the worker, rang at a free lease)."""
    lease = conversation.begin()
    arrivals: list[Future[Any]] = []
    statements = itertools.count()
    sent = Signal()

    def arrive() -> Any:
        try:
            with signalling(sent):
                return conversation.arrive()
        finally:
            sent.set()

    def stop(execute: Any, *args: Any) -> Any:
        if next(statements) == number:
            arrivals.append(call(arrive))
            assert sent.wait(WITHIN_S)
        return execute(*args)

    with connection.execute_wrapper(stop):
        was_seen = conversation.last_step(lease)
    arrivals = arrivals or [call(arrive)]
    return was_seen, arrivals[0].result(WITHIN_S)


def meet_inside_the_statement(conversation: Conversation, call: Call, number: int) -> tuple[bool, bool]:
    """Let a message arrive after the look of the one statement that a last step is, and before its release."""
    lease = conversation.begin()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4711)")
        seen = call(conversation.last_step, lease)
        wait_for_waiters(1)
        arrival = call(conversation.arrive)
        wait_for_waiters(2)
        cursor.execute("SELECT pg_advisory_unlock(4711)")
    return seen.result(WITHIN_S), arrival.result(WITHIN_S)


def wait_for_waiters(count: int) -> None:
    """Wait until so many sessions of this database wait for locks; without a pause, as it takes less than that."""
    deadline = time.monotonic() + WITHIN_S
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(sql)
            if cursor.fetchone()[0] >= count:
                return
            assert time.monotonic() < deadline


def wait_for_no_disk() -> None:
    """Let this thread's commits on PostgreSQL not wait for the disk, which they would do for most of the time."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")


@pytest.fixture
def call() -> Iterator[Call]:
    """Call functions in two threads, which keep their connections as long as the test lasts."""
    with ThreadPoolExecutor(2, initializer=wait_for_no_disk) as pool:
        yield pool.submit
        both = Barrier(2)
        for _ in range(2):
            pool.submit(lambda: (both.wait(WITHIN_S), connections.close_all()))


@pytest.fixture
def meet() -> Iterator[Callable[..., tuple[bool, bool]]]:
    """Stop the worker in this database's way."""
    if connection.vendor != "postgresql":
        yield meet_between_statements
        return
    with connection.cursor() as cursor:
        cursor.execute(PAUSE)
        wait_for_no_disk()
        yield meet_inside_the_statement
        cursor.execute(RESUME)


def test_a_message_that_arrives_as_the_worker_lets_go_is_seen_or_rings_at_a_free_lease(
    make_bot: Callable[..., Bot], meet: Callable[..., tuple[bool, bool]], call: Call
) -> None:
    bot = make_bot(on_lock_conflict="queue")
    bot.on_message(lambda thread, message: None)
    conversation = Conversation(bot)
    times = int(os.environ.get("BOTSTATE_TEST_MEETINGS") or (1_000 if connection.vendor == "postgresql" else 250))
    met = [meet(conversation, call, number % MAX_STATEMENTS) for number in range(times)]
    assert all(was_seen or found_it_free for was_seen, found_it_free in met), "a message was stranded"
    assert Turn.objects.count() == times + 1
    ThreadLease.objects.update(token="")
    assert run_thread(conversation.thread_id) == Drained.IDLE
    assert not Turn.objects.open().exists()
