"""A bot that does what a message tells it, and leaves traces in files that a killed process cannot take back."""

import os
import time
from pathlib import Path
from typing import Any

from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.ui import Actions, Button, Node

bot = Bot("helper", on_lock_conflict="queue", lock_ttl=2, turn_timeout=os.environ.get("BOTPROJECT_TURN_TIMEOUT", "10m"))


def trace(line: str) -> None:
    """Add a line to the file of traces, in one write."""
    with (Path(os.environ["BOTPROJECT_VAR"]) / "traces").open("a") as file:
        file.write(f"{line}\n")


@bot.component
def Card(number: int) -> Node:
    return Actions(Button("Count", on_click=count, value={"by": number}, key="count"))


@bot.on_message
def obey(thread: Any, message: Any) -> None:
    """Say what happens; "hang" and "nap" hang the first attempt, "card 7" posts a card."""
    trace(f"{message.text} attempt {thread.turn.attempt}")
    thread.set_state({"ran": [*thread.state().get("ran", []), message.text]})
    if message.text == "hang" and thread.turn.attempt == 1:
        wait_until((Path(os.environ["BOTPROJECT_VAR"]) / "go on").exists, "the word to go on", 60)
    if message.text == "nap" and thread.turn.attempt == 1:
        nap()
    if message.text.startswith("card"):
        thread.post(Card(number=int(message.text.split()[1])))
    else:
        thread.post(f"did {message.text}")
    trace(f"{message.text} done")


def nap() -> None:
    """Do what cannot be ended from outside but by a signal."""
    try:
        time.sleep(60)
    except BaseException as error:
        trace(f"nap {type(error).__name__}")
        raise


def count(thread: Any, click: Any) -> None:
    trace(f"count by {click.value['by']}")
