"""Finding what a bot does about an event, and having it done."""

from collections.abc import Callable

from botstate.exceptions import StoreError
from botstate.runtime.interactions import run_choice, run_click, run_modal, run_reaction
from botstate.runtime.messages import Click, Command, IncomingMessage
from botstate.runtime.occasion import Occasion


def run_handlers(occasion: Occasion) -> None:
    """Run whatever the bot does about the event. Raises what the handlers raise."""
    run = _RUNS.get(occasion.event.kind)
    if run is None:
        raise StoreError(f"turn {occasion.turn.id} is about an event of kind {occasion.event.kind!r:.40}")
    run(occasion)


def _run_message(occasion: Occasion) -> None:
    for handler in occasion.bot.handlers_for(occasion.event):
        message = IncomingMessage.of(occasion.event, occasion.skipped)
        occasion.caller.call(handler, (occasion.thread, message))


def _run_shortcut(occasion: Occasion) -> None:
    handler = occasion.bot.interaction_handler(occasion.action_id)
    if handler is not None:
        click = Click.of(occasion.event, None, None, thread=occasion.thread)
        occasion.caller.call(handler, (occasion.thread, click))


def _run_command(occasion: Occasion) -> None:
    command = Command.of(occasion.event)
    handler = occasion.bot.command_handler(command.name)
    if handler is not None:
        occasion.caller.call(handler, (occasion.thread, command))


_RUNS: dict[str, Callable[[Occasion], None]] = {
    "message": _run_message,
    "mention": _run_message,
    "shortcut": _run_shortcut,
    "command": _run_command,
    "click": run_click,
    "modal_submit": run_modal,
    "modal_close": run_modal,
    "reaction": run_reaction,
    "choice": run_choice,
}
