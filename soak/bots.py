"""The soak's bots: they run errands, and leave a record of every attempt."""

import os
import time
from pathlib import Path
from typing import Any

import pydantic

from botstate import Bot
from soak.errands import Errand, advance
from soak.records import note
from soak.slack_apps import BOTS

LOCK_TTL_S = 2
#: More than the faults of a run can cost one turn.
MAX_ATTEMPTS = 100


class Tally(pydantic.BaseModel):
    """Which errands a thread has run."""

    ran: list[int] = []
    chain: int = 7


def _make_bot(name: str, delivery: Any) -> Bot:
    made = Bot(
        name,
        state=Tally,
        on_lock_conflict="queue",
        lock_ttl=LOCK_TTL_S,
        max_attempts=MAX_ATTEMPTS,
        delivery=delivery,
    )
    made.on_message(run)
    return made


def run(thread: Any, message: Any) -> None:
    """Work for as long as the errand says, then change the state and post."""
    errand = Errand.from_text(message.text)
    directory = Path(os.environ["BOTPROJECT_VAR"])
    turn = thread.turn
    note(directory, "start", errand.name, turn.attempt, superseded=turn.superseded)
    try:
        time.sleep(errand.work_ms / 1_000)
        thread.set_state(advance(thread.state().model_dump(), errand))
        for text in errand.post_texts:
            thread.post(text)
    finally:
        note(directory, "end", errand.name, turn.attempt, superseded=turn.superseded)


bots = [_make_bot(*made) for made in zip(BOTS, ("at_least_once", "at_most_once"), strict=True)]
