"""Snapshots of posted controls in the database, and finding them again from a click."""

from collections.abc import Iterable

from django.db.models import Q

from botstate import exact_json
from botstate.actions.controls import Control
from botstate.db.transactions import run_durable
from botstate.exceptions import ActionConsumed, ActionExpired
from botstate.models import ActionSnapshot, Delivery


def write_snapshots(
    using: str, posted: Iterable[tuple[Delivery, list[Control]]], now_us: int, retention_us: int
) -> None:
    """Store the controls of posted messages, in one statement.

    Belongs in the transaction that stores the deliveries.
    """
    snapshots = [
        _snapshot(delivery, control, now_us, retention_us) for delivery, controls in posted for control in controls
    ]
    if snapshots:
        ActionSnapshot.objects.using(using).bulk_create(snapshots)


def find_snapshot(using: str, delivery: Delivery | None, action_id: str, now_us: int) -> ActionSnapshot:
    """Return the live snapshot of a control of `delivery`'s message. Raises ActionExpired when there is none."""
    snapshots = ActionSnapshot.objects.using(using)
    found = delivery and snapshots.filter(delivery=delivery, action_id=action_id, expires_us__gt=now_us).first()
    if not found:
        raise ActionExpired(f"no live control {action_id!r:.80} on the clicked message")
    return found


def consume_once(using: str, snapshot: ActionSnapshot, turn_id: int) -> None:
    """Let the turn win a one-use control, or raise ActionConsumed when another turn has; the winner may ask again.

    Atomic across processes, and committed before it returns.
    """
    winnable = ActionSnapshot.objects.using(using).filter(Q(consumed_by=None) | Q(consumed_by=turn_id), pk=snapshot.pk)
    if not run_durable(using, lambda: winnable.update(consumed_by=turn_id), "consuming a control"):
        raise ActionConsumed(f"control {snapshot.action_id!r} was used before")


def _snapshot(delivery: Delivery, control: Control, now_us: int, retention_us: int) -> ActionSnapshot:
    return ActionSnapshot(
        thread_id=delivery.thread_id,
        delivery_id=delivery.pk,
        action_id=control.action_id,
        component=control.component,
        props=control.props_text,
        path=exact_json.dumps(list(control.path)),
        value=control.value_text,
        bound_args=control.args_text,
        control=exact_json.dumps(control.identity),
        label=control.label[:200],
        once=control.once,
        created_us=now_us,
        expires_us=now_us + retention_us,
    )
