"""Snapshots of posted controls in the database."""

from collections.abc import Iterable

from django.db import connections

from botstate import exact_json
from botstate.actions.controls import Control
from botstate.models import ActionSnapshot, Delivery

_UPDATED = [
    "props",
    "path",
    "value",
    "bound_args",
    "control",
    "event",
    "has_handler",
    "label",
    "allowed_users",
    "once",
    "is_message_once",
    "content",
    "expires_us",
]
#: In one go, where a thread has far too many.
MAX_DROPPED = 1_000


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


def refresh_snapshots(
    using: str, changed: Iterable[tuple[Delivery, list[Control]]], now_us: int, retention_us: int
) -> None:
    """Store the controls that updates give to messages. One that the message has already lives on, used or not.

    The controls that an update takes away stay until they expire, because people see the old message for a moment yet.
    """
    # Of two updates of one message, the later one counts.
    snapshots = {
        (delivery.pk, control.action_id): _snapshot(delivery, control, now_us, retention_us)
        for delivery, controls in changed
        for control in controls
    }
    if snapshots:
        can_name = connections[using].features.supports_update_conflicts_with_target
        ActionSnapshot.objects.using(using).bulk_create(
            snapshots.values(),
            update_conflicts=True,
            unique_fields=["delivery", "action_id"] if can_name else None,
            update_fields=_UPDATED,
        )


def drop_oldest(using: str, thread_id: int, most: int) -> int:
    """Delete all but the `most` newest controls of a thread; return how many went.

    Belongs in the transaction that stores new ones. Theirs are the messages that people have long scrolled past.
    """
    controls = ActionSnapshot.objects.using(using).filter(thread_id=thread_id)
    excess = list(controls.order_by("-id").values_list("id", flat=True)[most : most + MAX_DROPPED])
    if excess:
        controls.filter(pk__in=excess).delete()
    return len(excess)


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
        event=control.event,
        has_handler=control.handler is not None,
        label=control.label.replace("\x00", "\ufffd")[:200],
        allowed_users=exact_json.dumps(list(control.allowed_users)) if control.allowed_users else "",
        once=control.once,
        is_message_once=control.group_once,
        content=control.content,
        created_us=now_us,
        expires_us=now_us + retention_us,
    )
