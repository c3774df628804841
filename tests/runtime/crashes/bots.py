"""A bot that does what a message says, and what must have come of it in the end."""

from collections.abc import Callable
from typing import Any

from botstate import Bot
from botstate.ui import Actions, Button, Message, Section
from tests.runtime.crashes.deaths import step

MakeBot = Callable[..., Bot]


def make_obedient(make_bot: MakeBot, **options: Any) -> Bot:
    """Make the bot. What it posts begins with the conversation's key, so that it can be told from other cases'."""
    bot = make_bot(**{"on_lock_conflict": "queue", "lock_ttl": 60, "max_attempts": 3, **options})

    @bot.component
    def Card(key: str) -> Any:
        return Message(Section(f"{key} card"), Actions(Button("Go", on_click=go, key="go", once=True)))

    def go(thread: Any, click: Any) -> None:
        step("handler")
        thread.set_state({"clicked": [*thread.state().get("clicked", []), click.user]})

    @bot.on_message
    def obey(thread: Any, message: Any) -> None:
        step("handler")
        words = message.text.split()
        if "fail" in words and thread.turn.attempt == 1:
            raise RuntimeError
        if "state" in words:
            heard = [*(skipped.text for skipped in message.skipped), message.text]
            thread.set_state({"heard": [*thread.state().get("heard", []), *heard]})
        if "stage" in words:
            # A turn that is not atomic makes its changes again, so this one bears that.
            thread.set_state(stage="reached")
        for word in words:
            if word.startswith("post"):
                thread.post(f"{thread.key} {word}")
            elif word == "card":
                thread.post(Card(key=thread.key))
        step("handler ended")

    return bot
