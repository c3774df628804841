"""From a click to the handler that the person was shown, once where that was said, and for those who may."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from botstate import exact_json
from botstate.actions.controls import Control
from botstate.actions.resolving import hot_controls, resolve
from botstate.db.clock import StoreNow
from botstate.db.transactions import run_statement
from botstate.exceptions import ActionConsumed, ActionDenied, ActionExpired
from botstate.models import ActionSnapshot, Delivery
from botstate.types import Json
from botstate.ui.components import Component
from botstate.ui.handlers import unbound

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who uses which control: the message's delivery, the control's id, and the turn that it would belong to."""

    delivery_id: int
    action_id: str
    turn_id: int
    user: str


@dataclass(frozen=True, slots=True)
class Action:
    """A control that may be used now, as it was posted: its handler, None where the bot's own are asked; its value."""

    event: str
    handler: Handler | None
    value: Json
    args: Json


def claim_action(using: str, claim: Claim, components: Mapping[str, Component]) -> Action:
    """Return what the control does, having consumed it where it may be used once.

    One statement for a control that this process posted and that no other has changed since; else one to find it, and
    one more to consume it. What the control does is what its row says, whoever wrote it last. Atomic across
    processes: of all the turns that claim a one-use control, one ever gets it, and gets it again when it runs again.
    Raises ActionExpired, ActionDenied, ActionConsumed; then nothing was consumed.
    """
    if "\x00" in claim.action_id:
        # PostgreSQL refuses to look for it.
        raise _expired(claim)
    hot = hot_controls.get(claim.delivery_id, claim.action_id)
    action = None if hot is None else _claim_hot(using, claim, hot)
    return _claim_cold(using, claim, components) if action is None else action


def find_action_of(using: str, delivery_id: int, event: str) -> str | None:
    """Return the id of the message's newest live control for `event`, such as "onReaction", or None."""
    controls = ActionSnapshot.objects.using(using).filter(delivery=delivery_id, event=event, expires_us__gt=StoreNow())
    return run_statement(using, controls.order_by("-pk").values_list("action_id", flat=True).first)


def _claim_hot(using: str, claim: Claim, hot: Control) -> Action | None:
    """Claim a control that this process posted; None where the row must say why not, or what it has become since."""
    if not _may(claim, hot.allowed_users):
        return None
    same = _live(using, claim).filter(content=hot.content)
    if hot.group_once:
        is_ours = _consume_message(using, claim, same)
    elif hot.once:
        is_ours = _consume(using, claim, same)
    else:
        is_ours = run_statement(using, same.exists)
    if not is_ours:
        return None
    handler = None if hot.handler is None else unbound(hot.handler)
    return Action(hot.event, handler, exact_json.loads(hot.value_text), _args(hot.args_text))


def _claim_cold(using: str, claim: Claim, components: Mapping[str, Component]) -> Action:
    live = _live(using, claim)
    snapshot = run_statement(using, live.annotate(message_consumed_by=F("delivery__consumed_by")).first)
    # Some databases find an id that differs in trailing spaces alone.
    if snapshot is None or snapshot.action_id != claim.action_id:
        raise _expired(claim)
    if snapshot.allowed_users and not _may(claim, exact_json.loads(snapshot.allowed_users)):
        raise ActionDenied(f"control {claim.action_id!r} is not for this user")
    consumed_by = snapshot.message_consumed_by if snapshot.is_message_once else snapshot.consumed_by
    if (snapshot.once or snapshot.is_message_once) and consumed_by not in (None, claim.turn_id):
        raise _consumed(claim)
    # Before it is consumed: what cannot be resolved must stay as it is.
    handler = resolve(snapshot, components) if snapshot.has_handler else None
    is_ours = True
    if snapshot.is_message_once:
        is_ours = _consume_message(using, claim, live)
    elif snapshot.once:
        is_ours = _consume(using, claim, live)
    if not is_ours:
        raise _consumed(claim)
    return Action(snapshot.event, handler, exact_json.loads(snapshot.value), _args(snapshot.bound_args))


def _live(using: str, claim: Claim) -> "QuerySet[ActionSnapshot]":
    controls = ActionSnapshot.objects.using(using).filter(delivery=claim.delivery_id, action_id=claim.action_id)
    return controls.filter(expires_us__gt=StoreNow())


def _may(claim: Claim, allowed_users: Sequence[str]) -> bool:
    return not allowed_users or claim.user in allowed_users


def _consume(using: str, claim: Claim, live: "QuerySet[ActionSnapshot]") -> bool:
    winnable = live.filter(Q(consumed_by=None) | Q(consumed_by=claim.turn_id))
    return run_statement(using, lambda: winnable.update(consumed_by=claim.turn_id), is_write=True) > 0


def _consume_message(using: str, claim: Claim, live: "QuerySet[ActionSnapshot]") -> bool:
    """Win the message, whose row is one for all of its controls."""
    messages = Delivery.objects.using(using).filter(Q(consumed_by=None) | Q(consumed_by=claim.turn_id))
    winnable = messages.filter(Exists(live.filter(delivery=OuterRef("pk"))), pk=claim.delivery_id)
    return run_statement(using, lambda: winnable.update(consumed_by=claim.turn_id), is_write=True) > 0


def _expired(claim: Claim) -> ActionExpired:
    return ActionExpired(f"no live control {claim.action_id!r:.80} on the clicked message")


def _consumed(claim: Claim) -> ActionConsumed:
    return ActionConsumed(f"control {claim.action_id!r} was used before")


def _args(text: str) -> Json:
    return exact_json.loads(text) if text else None
