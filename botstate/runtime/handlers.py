"""Finding an event's handler and calling it."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync

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
    """Run the handler of the clicked control, or tell the person why there is none."""
    action_id = str(event.data.get("action_id") or "")
    handler = bot.interaction_handler(action_id)
    if handler is not None:
        call(handler, (thread, Click.of(event, event.data.get("value"), None)))
        return
    try:
        snapshot = find_snapshot(using, _clicked_delivery(using, event), action_id, now_us(using))
        resolved = resolve(snapshot, bot.components)
        _consume(using, snapshot, thread)
    except ActionExpired:
        thread.post_ephemeral(EXPIRED_TEXT, user=event.user)
        return
    except ActionConsumed:
        thread.post_ephemeral(CONSUMED_TEXT, user=event.user)
        return
    call(resolved.handler, (thread, Click.of(event, resolved.value, resolved.args)), resolved.args)


def _consume(using: str, snapshot: ActionSnapshot, thread: Thread) -> None:
    if snapshot.once:
        consume_once(using, snapshot, thread.turn.id)


def _clicked_delivery(using: str, event: Event) -> Delivery | None:
    digest = message_digest(event.origin, event.channel, event.ref)
    return Delivery.objects.using(using).filter(message_digest=digest).first()
