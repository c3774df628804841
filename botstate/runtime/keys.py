"""The keys of a message's controls that have no handler of their own, kept with the message.

The snapshots of its controls go when they expire. These stay for as long as the message does: they tell a control of
the bot's own that has expired from one in `raw` blocks, which looks the same once it is rendered.
"""

from collections.abc import Iterable

from botstate import exact_json
from botstate.actions.controls import Control
from botstate.db.transactions import run_statement
from botstate.models import Delivery
from botstate.types import Json

#: Beside the platform's own names in a payload, and never sent.
KEYS = "botstate_keys"


def with_keys(payload: dict[str, Json], controls: Iterable[Control]) -> dict[str, Json]:
    """Return the payload as it is stored: with the keys of those controls that have no handler, where there are any."""
    keys: list[Json] = [control.action_id for control in controls if control.handler is None]
    return {**payload, KEYS: keys} if keys else payload


def without_keys(payload: dict[str, Json]) -> dict[str, Json]:
    """Return a stored payload as the platform is given it."""
    return {name: value for name, value in payload.items() if name != KEYS}


def has_key(payload_text: str, key: str) -> bool:
    """True if a stored payload's message was posted with a control of this key that has no handler."""
    return key in exact_json.loads(payload_text).get(KEYS, ())


def was_posted_with(using: str, delivery_id: int, key: str) -> bool:
    """True if this message had such a control, when it was posted or after an update.

    One statement, which looks through the deliveries of the message's thread: not for what happens often.
    """
    rows = Delivery.objects.using(using)
    message = rows.filter(pk=delivery_id)
    # By the thread, which has an index.
    of_thread = rows.filter(thread_id__in=message.values("thread_id"), payload__contains=exact_json.dumps(key))
    shown = of_thread.filter(pk=delivery_id) | of_thread.filter(target=delivery_id)
    texts = run_statement(using, lambda: list(shown.values_list("payload", flat=True)))
    return any(has_key(text, key) for text in texts)
