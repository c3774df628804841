"""Snapshots of posted controls in the database."""

from collections.abc import Iterable, Iterator, Sequence

from django.db import connections
from django.db.models import Count, Max, Q

from botstate import exact_json
from botstate.actions.controls import REACTION, Control
from botstate.db.batches import by_index
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
#: In one statement.
MAX_DROPPED = 1_000


def write_snapshots(
    using: str, posted: Iterable[tuple[Delivery, list[Control]]], now_us: int, retention_us: int
) -> None:
    """Store the controls of posted messages, in one statement.

    Belongs in the transaction that stores the deliveries.
    """
    expires_us = now_us + retention_us
    snapshots = [
        _snapshot(delivery, control, now_us, expires_us) for delivery, controls in posted for control in controls
    ]
    if snapshots:
        ActionSnapshot.objects.using(using).bulk_create(snapshots)


def refresh_snapshots(
    using: str, changed: Sequence[tuple[Delivery, list[Control]]], now_us: int, retention_us: int
) -> None:
    """Store the controls that updates give to messages. One that the message has already lives on, used or not.

    The controls that an update takes away stay until they expire, because people see the old message for a moment yet;
    except what listens to reactions, of which a message has no more than the newest. A control lives as long as the
    others of its message, for it may answer what the message asks. Belongs in the transaction that stores the update.
    """
    if not changed:
        return
    # Of two updates of one message, the later one counts.
    newest = {delivery.pk: {control.action_id for control in controls} for delivery, controls in changed}
    longest_us = dict.fromkeys(newest, now_us + retention_us)
    for delivery_id, shown_until_us, is_listening in _shown(using, list(newest), now_us):
        longest_us[delivery_id] = max(longest_us[delivery_id], shown_until_us)
        if is_listening:
            _end_reactions(using, delivery_id, newest[delivery_id], now_us)
    snapshots = {
        (delivery.pk, control.action_id): _snapshot(delivery, control, now_us, longest_us[delivery.pk])
        for delivery, controls in changed
        for control in controls
        if control.event != REACTION or control.action_id in newest[delivery.pk]
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
    """Delete all but the `most` newest controls of a thread, a thousand at a time; return how many went.

    Belongs in the transaction that stores new ones. Theirs are the messages that people have long scrolled past.
    """
    controls = ActionSnapshot.objects.using(using).filter(thread_id=thread_id)
    dropped = 0
    while excess := list(controls.order_by("-id").values_list("id", flat=True)[most : most + MAX_DROPPED]):
        with by_index(using):
            controls.filter(pk__in=excess).delete()
        dropped += len(excess)
        if len(excess) < MAX_DROPPED:
            break
    return dropped


def _shown(using: str, delivery_ids: list[int], now_us: int) -> Iterator[tuple[int, int, bool]]:
    """Yield, of each message with live controls: its delivery, when the last one ends, and if one is for reactions."""
    live = ActionSnapshot.objects.using(using).filter(delivery__in=delivery_ids, expires_us__gt=now_us)
    listening = Count("pk", filter=Q(event=REACTION))
    for row in live.values("delivery").annotate(longest_us=Max("expires_us"), listening=listening):
        yield row["delivery"], row["longest_us"], row["listening"] > 0


def _end_reactions(using: str, delivery_id: int, kept: set[str], now_us: int) -> None:
    controls = ActionSnapshot.objects.using(using).filter(delivery=delivery_id, event=REACTION, expires_us__gt=now_us)
    controls.exclude(action_id__in=kept).update(expires_us=now_us)


def _snapshot(delivery: Delivery, control: Control, now_us: int, expires_us: int) -> ActionSnapshot:
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
        expires_us=expires_us,
    )
