"""An event on its way into the database, and what became of it."""

from dataclasses import dataclass
from enum import Enum

from botstate.contracts.events import Event
from botstate.runtime.bot import Bot

#: How long a bell that was rung is trusted before `redeliver` rings again.
REDELIVER_INTERVAL_US = 10 * 1_000_000


class Outcome(Enum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcome, and the thread to ring for where that would start something, after `wait_us` microseconds."""

    outcome: Outcome
    thread_id: int | None = None
    wait_us: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that a bot handles, and its exact JSON text.

    policy: `on_lock_conflict`; empty for what always queues, None where the bot's callable has yet to choose.
    """

    bot: Bot
    event: Event
    event_text: str
    policy: str | None


class UndecidedError(Exception):
    """The thread is busy, and the bot's callable must say what that means. Nothing has been stored."""
