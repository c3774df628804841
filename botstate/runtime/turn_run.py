"""Running one turn to its recorded end."""

import asyncio
import logging
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import cached_property

from django.core.cache import caches
from django.db import connections

from botstate import exact_json
from botstate.contracts.events import Event, Origin
from botstate.contracts.platforms import Platform
from botstate.db.transactions import run_durable
from botstate.models import Delivery, Turn
from botstate.models import Thread as ThreadRow
from botstate.runtime.bot import Bot
from botstate.runtime.calls import Caller
from botstate.runtime.doorbell import doorbell
from botstate.runtime.handlers import run_handlers
from botstate.runtime.heartbeat import Pulse, heartbeat
from botstate.runtime.journal import BufferedJournal, ImmediateJournal, Journal, remember_controls
from botstate.runtime.lease import Lease, free, require, require_to_refer
from botstate.runtime.occasion import Occasion
from botstate.runtime.outbox import send, start_next_delivery
from botstate.runtime.places import place_of
from botstate.runtime.platforms import get_platform
from botstate.runtime.posts import Post
from botstate.runtime.thread import Thread, TurnInfo
from botstate.runtime.turns import ClaimedTurn, end_failed, end_timed_out, mark_done
from botstate.threads.buffer import StateBuffer
from botstate.threads.states import run_and_write

logger = logging.getLogger("botstate.runtime")


@dataclass
class Conversation:
    """A thread with its bot, on the database `using`."""

    using: str
    bot: Bot
    row: ThreadRow

    @property
    def thread_id(self) -> int:
        """The thread's primary key."""
        return int(self.row.pk)

    @cached_property
    def platform(self) -> Platform:
        """The platform that its messages go to."""
        return get_platform(self.row.platform)

    @property
    def origin(self) -> Origin:
        """Where its events come from."""
        return Origin(self.row.bot, self.row.platform, self.row.app, self.row.workspace)

    def mark_done(self, lease: Lease, turn: ClaimedTurn) -> None:
        """Record that a turn ended well; a lease on that turn alone ends with it. Raises TurnSuperseded."""

        def end() -> None:
            now = require(self.using, lease)
            mark_done(self.using, lease, turn.id, now)
            if lease.turn_id is not None:
                free(self.using, lease)

        run_durable(self.using, end, "ending a turn")

    def give_connection_back(self) -> None:
        """Return a pooled connection to its pool, for as long as a handler runs."""
        connection = connections[self.using]
        pool = connection.settings_dict.get("OPTIONS", {}).get("pool")
        if pool and connection.vendor == "postgresql" and not connection.in_atomic_block:
            connection.close()


def send_delivery(conversation: Conversation, delivery: Delivery, pulse: Pulse) -> None:
    """Send what was started. Raises TurnSuperseded."""
    send(
        conversation.using,
        delivery,
        conversation.platform,
        origin=conversation.origin,
        conversation=conversation.row.key,
        pulse=pulse,
    )


def _own_context() -> Context:
    """Return context variables for one turn: what a handler sets is not for whom this thread runs next."""
    # Django keeps its caches in them: those made in a turn, with their connections, would be made anew in the next.
    caches.all()
    return copy_context()


class TurnRun:
    """One attempt of one turn, under the lease that `pulse` keeps alive."""

    def __init__(self, conversation: Conversation, lease: Lease, pulse: Pulse, turn: ClaimedTurn) -> None:
        self._conversation = conversation
        self._using = conversation.using
        self._bot = conversation.bot
        self._lease = lease
        self._pulse = pulse
        self._turn = turn
        self._caller = Caller(self._before_handler)

    def run(self) -> ClaimedTurn | None:
        """Run the handlers and record how that ended; return the turn if all that is left is to mark it as done.

        Raises TurnSuperseded when it is not ours to end any more.
        """
        journal = self._journal()
        thread = self._thread(journal)
        try:
            event = Event.from_json(exact_json.loads(self._turn.event_text))
            skipped = [Event.from_json(exact_json.loads(text)) for text in self._turn.skipped]
            with heartbeat.limiting(self._pulse, self._bot.turn_timeout_us / 1_000_000, self._time_out):
                occasion = Occasion(self._using, self._bot, event, thread, self._turn, self._caller, skipped)
                _own_context().run(run_handlers, occasion)
            thread.end()
            if isinstance(journal, BufferedJournal) and not journal.is_empty:
                remember_controls(self._store(journal))
                return None
        except (Exception, asyncio.CancelledError, SystemExit) as error:
            # A handler that calls sys.exit, or waits for a task that was cancelled, has failed like any other.
            thread.end()
            self._fail(error)
            return None
        return self._turn

    def _before_handler(self) -> None:
        """Let no handler begin in a turn that has gone to another. Raises TurnSuperseded."""
        self._pulse.require()
        self._conversation.give_connection_back()

    def _journal(self) -> Journal:
        if self._bot.has_atomic_turns:
            return BufferedJournal(self._turn.id, StateBuffer(self._bot.schema, self._turn.state))
        return ImmediateJournal(
            self._turn.id,
            self._bot.schema,
            self._turn.state,
            using=self._using,
            lease=self._lease,
            retention_us=self._bot.action_retention_us,
            send_due=self._send_due,
            rest=self._conversation.give_connection_back,
        )

    def _thread(self, journal: Journal) -> Thread:
        row = self._conversation.row
        return Thread(
            key=row.key,
            platform_name=row.platform,
            workspace=row.workspace,
            turn=TurnInfo(self._turn.id, self._turn.attempt, self._pulse),
            journal=journal,
            platform=self._conversation.platform,
            components=self._bot.components,
            continuation_name=self._bot.require_continuation,
        )

    def _store(self, journal: BufferedJournal) -> list[tuple[Delivery, Post]]:
        """Store what the turn did, and that it is done, in one fenced transaction.

        Raises TurnSuperseded, and StateInvalid where a state that moved on meanwhile cannot take the changes; then
        nothing was stored.
        """

        def end() -> list[tuple[Delivery, Post]]:
            now = require_to_refer(self._using, self._lease)
            stored = journal.store(self._using, self._lease, now, self._bot.action_retention_us)
            mark_done(self._using, self._lease, self._turn.id, now)
            if self._lease.turn_id is not None:
                free(self._using, self._lease)
            return stored

        return run_and_write(self._using, journal.state, end, "ending a turn")

    def _send_due(self) -> None:
        """Send, in the middle of a turn, what its thread has to send; a turn beside the others rings for it instead."""
        if self._lease.turn_id is not None:
            doorbell.ring(self._lease.thread_id)
            return

        def start() -> Delivery | None:
            now = require(self._using, self._lease)
            return start_next_delivery(self._using, self._lease, self._bot, now)

        while (delivery := run_durable(self._using, start, "starting what is due")) is not None:
            send_delivery(self._conversation, delivery, self._pulse)

    def _fail(self, error: BaseException) -> None:
        status = end_failed(self._using, self._lease, self._turn, error, self._bot)
        self._log(status, type(error).__qualname__, place_of(error))

    def _time_out(self) -> None:
        """End the turn from another thread: fence it off first, then stop the handler if that can be.

        Raises TurnSuperseded and StoreError where it could not be ended; the handler is stopped then, too.
        """
        place = self._caller.place()
        try:
            status = end_timed_out(self._using, self._lease, self._turn, self._bot, place=place)
        except Exception:
            self._give_up()
            raise
        if status is None:
            return
        doorbell.ring(self._lease.thread_id)
        self._log(status, "TurnTimeoutError", place)
        self._give_up()

    def _give_up(self) -> None:
        self._pulse.is_lost.set()
        self._caller.stop()

    def _log(self, status: Turn.Status | None, error_type: str, place: str) -> None:
        log = logger.error if status == Turn.Status.DEAD else logger.warning
        outcome = status or "done after all"
        log("turn %s attempt %s %s: %s at %s", self._turn.id, self._turn.attempt, outcome, error_type, place)
