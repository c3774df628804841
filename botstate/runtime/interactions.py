"""Clicks, modals, reactions and choices: from what a person used to the handler that they were shown."""

import inspect
import logging
from collections.abc import Callable
from typing import Any

from botstate import exact_json
from botstate.actions.claiming import find_action_of
from botstate.actions.values import choose_values
from botstate.exceptions import ActionConsumed, ActionDenied, ActionError, ActionExpired
from botstate.models import PendingChoice
from botstate.runtime.choices import answer_choice, find_choice
from botstate.runtime.messages import Choice, Click, Reaction, Submission
from botstate.runtime.occasion import Occasion
from botstate.runtime.posts import Posted
from botstate.types import Json

logger = logging.getLogger("botstate.runtime")

EXPIRED_TEXT = "This control has expired."
CONSUMED_TEXT = "This control has already been used."
DENIED_TEXT = "This control is not for you."
_MODAL_EVENTS = {"modal_submit": "onSubmit", "modal_close": "onClose"}
_PROMPTS = {ActionExpired: EXPIRED_TEXT, ActionConsumed: CONSUMED_TEXT, ActionDenied: DENIED_TEXT}


def run_click(occasion: Occasion) -> None:
    """Run the handler of the clicked control, or tell the person why there is none.

    The value and the arguments are those that were posted. Only for a control that this bot has not posted, such as
    one in blocks from elsewhere, the value is what the request says. Raises what the handler raises.
    """
    own_handler = occasion.bot.interaction_handler(occasion.action_id)
    sent = occasion.event.data.get("value")
    try:
        action = occasion.claim(occasion.action_id)
        value = choose_values(action, sent)
        choice = _answer(occasion, own_handler is not None) if action.handler is None else None
    except ActionError as error:
        if own_handler is not None and _is_from_elsewhere(occasion, error):
            _call_with_click(occasion, own_handler, sent, None)
        else:
            _refuse(occasion, error)
        return
    # Outside of the try: what a handler raises is no word about the control.
    if action.handler is not None:
        _call_with_click(occasion, action.handler, value, action.args)
    elif choice is not None:
        _continue(occasion, choice, value)
    elif own_handler is not None:
        _call_with_click(occasion, own_handler, value, action.args)
    else:
        _refuse(occasion, _no_handler(occasion))


def run_modal(occasion: Occasion) -> None:
    """Run what a submitted or closed modal was opened with, or the bot's own handler for its callback_id.

    A person whose submission nobody takes is told so.
    """
    event = occasion.event
    own_handler = occasion.bot.modal_handler(event.kind, occasion.action_id)
    values = event.data.get("values")
    values = values if isinstance(values, dict) else {}
    try:
        action = occasion.claim(occasion.action_id)
    except ActionError as error:
        if own_handler is not None and _is_from_elsewhere(occasion, error):
            _call_with_submission(occasion, own_handler, values)
        else:
            _refuse(occasion, error)
        return
    # A modal without an on_submit has the id of its on_close.
    is_meant = action.event == _MODAL_EVENTS[event.kind]
    values = choose_values(action, values)
    if is_meant and action.handler is not None:
        _call_with_submission(occasion, action.handler, values, action.args)
    elif own_handler is not None:
        _call_with_submission(occasion, own_handler, values)
    elif is_meant:
        _refuse(occasion, _no_handler(occasion))


def run_reaction(occasion: Occasion) -> None:
    """Run what the message was posted with, if it is the bot's, and every handler of the bot's for the emoji."""
    event = occasion.event
    if occasion.delivery_id is not None:
        action_id = find_action_of(occasion.using, occasion.delivery_id, "onReaction")
        if action_id is not None:
            _react(occasion, action_id)
    reaction = Reaction.of(event, occasion.message)
    for handler in occasion.bot.reaction_handlers(reaction.emoji):
        occasion.caller.call(handler, (occasion.thread, reaction))


def run_choice(occasion: Occasion) -> None:
    """Continue a conversation in which nobody has chosen in time."""
    pk = occasion.event.data.get("choice")
    choice = PendingChoice.objects.using(occasion.using).filter(pk=pk if isinstance(pk, int) else 0).first()
    if choice is not None:
        _continue(occasion, choice, None, is_timed_out=True)


def _react(occasion: Occasion, action_id: str) -> None:
    try:
        action = occasion.claim(action_id)
    except ActionError:
        # Who puts an emoji on an old message expects nothing.
        return
    if action.handler is not None:
        reaction = Reaction.of(occasion.event, occasion.message, action.args)
        occasion.caller.call(action.handler, (occasion.thread, reaction), action.args)


def _call_with_click(occasion: Occasion, handler: Callable[..., Any], value: Json, args: Json) -> None:
    occasion.caller.call(handler, (occasion.thread, _click(occasion, value, args)), args)


def _click(occasion: Occasion, value: Json, args: Json) -> Click:
    return Click.of(occasion.event, value, args, thread=occasion.thread, message=occasion.message)


def _call_with_submission(
    occasion: Occasion, handler: Callable[..., Any], values: dict[str, Json], args: Json = None
) -> None:
    submission = Submission.of(occasion.event, values, args)
    occasion.caller.call(handler, (occasion.thread, submission), args)


def _is_from_elsewhere(occasion: Occasion, error: ActionError) -> bool:
    """True where the bot has never posted the control: one that it did post does what was posted, or nothing."""
    return isinstance(error, ActionExpired) and not occasion.has_posted(occasion.action_id)


def _no_handler(occasion: Occasion) -> ActionExpired:
    return ActionExpired(f"no handler for {occasion.action_id!r:.80}")


def _answer(occasion: Occasion, has_own_handler: bool) -> PendingChoice | None:
    """Return what the click answers, and has answered; None where it answers nothing."""
    if occasion.delivery_id is None:
        return None
    key = occasion.action_id
    choice = find_choice(occasion.using, occasion.delivery_id, key, has_own_handler=has_own_handler)
    if choice is not None:
        if choice.answered_by is None:
            _require_continuation(occasion, choice)
        answer_choice(occasion.using, choice, occasion.turn.id)
    return choice


def _require_continuation(occasion: Occasion, choice: PendingChoice) -> None:
    """Leave the question open where its continuation is gone.

    Another process may have it yet, or already: the turn fails, and is tried again. In the last attempt the person is
    told, by an ActionExpired.
    """
    if occasion.bot.continuation(choice.continuation) is not None:
        return
    if occasion.turn.attempt < occasion.bot.max_attempts:
        raise _no_continuation(occasion, choice)
    logger.error("turn %s: %s", occasion.turn.id, _no_continuation(occasion, choice))
    raise ActionExpired(f"choice {choice.pk} cannot be continued")


def _no_continuation(occasion: Occasion, choice: PendingChoice) -> LookupError:
    return LookupError(f"{occasion.bot!r} has no continuation {choice.continuation!r}")


def _continue(occasion: Occasion, choice: PendingChoice, value: Json, *, is_timed_out: bool = False) -> None:
    handler = occasion.bot.continuation(choice.continuation)
    if handler is None:
        raise _no_continuation(occasion, choice)
    args = exact_json.loads(choice.args)
    message = Posted.of_delivery(choice.delivery_id)
    click = None if is_timed_out else _click(occasion, value, args)
    answer = Choice(value, args, occasion.event.user, is_timed_out, message, click)
    occasion.caller.call(handler, (occasion.thread, answer))


def _refuse(occasion: Occasion, error: ActionError) -> None:
    """Let the bot's `on_action_expired` answer for what has expired; else tell the person."""
    handler = occasion.bot.expired_handler if isinstance(error, ActionExpired) else None
    if handler is None:
        occasion.tell(_PROMPTS.get(type(error), EXPIRED_TEXT))
        return
    click = _click(occasion, None, None)
    occasion.caller.call(handler, (occasion.thread, click) if _takes_two(handler) else (click,))


def _takes_two(handler: Callable[..., Any]) -> bool:
    try:
        inspect.signature(handler).bind(None, None)
    except TypeError:
        return False
    except ValueError:
        # Some built-in functions do not say what they take.
        return True
    return True
