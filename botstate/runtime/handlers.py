"""Finding an event's handler and calling it."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync

from botstate import exact_json
from botstate.actions.resolving import resolve
from botstate.actions.snapshots import consume_once, find_snapshot
from botstate.contracts.events import Event
from botstate.db.clock import now_us
from botstate.exceptions import ActionConsumed, ActionExpired
from botstate.models import ActionSnapshot, Delivery
from botstate.runtime.addresses import message_digest
from botstate.runtime.bot import Bot
from botstate.runtime.messages import Click, IncomingMessage
from botstate.runtime.thread import Thread
from botstate.ui.handlers import call_arguments

EXPIRED_TEXT = "This control has expired."
CONSUMED_TEXT = "This control has already been used."


def run_handlers(using: str, bot: Bot, event: Event, thread: Thread) -> None:
    """Run whatever the bot does about `event`. Raises what the handlers raise."""
    if event.kind in ("click", "shortcut"):
        _run_click(using, bot, event, thread)
        return
    for handler in bot.handlers_for(event):
        call(handler, (thread, IncomingMessage.of(event)))


def call(handler: Callable[..., Any], arguments: tuple[Any, ...], bound_args: Any = None) -> None:
    """Call a def or async def handler and wait for its end."""
    positional, keywords = call_arguments(handler, arguments, bound_args)
    result = handler(*positional, **keywords)
    if inspect.isawaitable(result):
        async_to_sync(_wait_for)(result)


async def _wait_for(result: Awaitable[Any]) -> None:
    await result


def _run_click(using: str, bot: Bot, event: Event, thread: Thread) -> None:
    """Run the handler of the clicked control, or tell the person why there is none.

    The value and the arguments are those that were posted. Only for a control that this bot has not posted, such as
    one in blocks from elsewhere, the value is what the request says.
    """
    action_id = str(event.data.get("action_id") or "")
    own_handler = bot.interaction_handler(action_id)
    try:
        snapshot = find_snapshot(using, _clicked_delivery(using, event), action_id, now_us(using))
    except ActionExpired:
        if own_handler is None:
            _tell(thread, event, EXPIRED_TEXT)
        else:
            call(own_handler, (thread, Click.of(event, event.data.get("value"), None)))
        return
    try:
        handler = own_handler or resolve(snapshot, bot.components)
        _consume(using, snapshot, thread)
    except ActionExpired:
        _tell(thread, event, EXPIRED_TEXT)
    except ActionConsumed:
        _tell(thread, event, CONSUMED_TEXT)
    else:
        args = exact_json.loads(snapshot.bound_args) if snapshot.bound_args else None
        call(handler, (thread, Click.of(event, exact_json.loads(snapshot.value), args)), args)


def _tell(thread: Thread, event: Event, text: str) -> None:
    thread.post_ephemeral(text, user=event.user, channel=event.channel)


def _consume(using: str, snapshot: ActionSnapshot, thread: Thread) -> None:
    if snapshot.once:
        consume_once(using, snapshot, thread.turn.id)


def _clicked_delivery(using: str, event: Event) -> Delivery | None:
    digest = message_digest(event.origin, event.channel, event.ref)
    return Delivery.objects.using(using).filter(message_digest=digest).first()
