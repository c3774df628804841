"""What has happened in a thread: the latest turns and deliveries, and its live actions, as rows for its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import F, QuerySet
from django.utils.safestring import SafeString

from botstate import exact_json
from botstate.admin.chips import chip, delivery_chip, turn_chip
from botstate.admin.leases import is_held, lease_of
from botstate.admin.moments import later, moment, relative, span
from botstate.admin.wording import in_brief, pairs, shortened, visible
from botstate.models import ActionSnapshot, Delivery, Thread, Turn, TurnLease
from botstate.runtime.bot import Bot
from botstate.types import Json

MAX_ROWS = 50
MAX_PREVIEW_CHARACTERS = 80
MAX_BLOCK_DEPTH = 10
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Latest(Generic[Row]):
    """The newest rows, and how many older ones are not among them."""

    rows: Sequence[Row]
    not_shown: int


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn. `what`: who did what, in short. `outcome`: why it ended so, or when it goes on.

    can_replay: whether it may be run after all.
    """

    turn: Turn
    who: str
    what: str
    status: SafeString
    outcome: str
    received: SafeString
    started: SafeString
    duration: str
    can_replay: bool


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One post, with the turn that made it."""

    delivery: Delivery
    turn: str
    status: SafeString
    preview: str
    outcome: str
    sent: SafeString


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One control that a click can still find."""

    action: ActionSnapshot
    label: str
    component: SafeString | str
    props: str
    bound_args: str
    use: SafeString | str
    expires: SafeString


class History:
    """Reads a thread's history: three queries, and one more for each kind of which there is more than is shown."""

    def __init__(self, using: str, thread: Thread, bot: Bot | None, now_us: int) -> None:
        self._now_us = now_us
        self._bot = bot
        self._is_held = is_held(lease_of(thread), now_us)
        turns = Turn.objects.using(using).filter(thread=thread).select_related("lease").order_by("-sequence")
        deliveries = Delivery.objects.using(using).filter(thread=thread).annotate(turn_sequence=F("turn__sequence"))
        live = ActionSnapshot.objects.using(using).filter(thread=thread, expires_us__gt=now_us)
        # Read in this order, so that a row is never about one that an earlier query did not see yet.
        actions = _latest(live.order_by("-pk"))
        posted = _latest(deliveries.order_by("-pk"))
        found = _latest(turns)
        self._labels = {action.action_id: action.label for action in actions.rows}
        self._sequences = {turn.pk: turn.sequence for turn in found.rows}
        self.turns = Latest([self._turn_row(turn) for turn in found.rows], found.not_shown)
        self.deliveries = Latest([self._delivery_row(row) for row in posted.rows], posted.not_shown)
        self.actions = Latest([self._action_row(action) for action in actions.rows], actions.not_shown)

    def _turn_row(self, turn: Turn) -> TurnRow:
        event = _json_object(turn.event)
        return TurnRow(
            turn=turn,
            who=shortened(str(event.get("user") or ""), 40),
            what=self._what(event),
            status=turn_chip(turn.status),
            outcome=self._turn_outcome(turn),
            received=moment(turn.received_us, self._now_us),
            started=later(turn.started_us, turn.received_us),
            duration=self._duration(turn),
            can_replay=turn.status in Turn.REPLAYABLE,
        )

    def _what(self, event: dict[str, Json]) -> str:
        data = event.get("data")
        if not isinstance(data, dict):
            return ""
        action_id = data.get("action_id")
        if isinstance(action_id, str):
            return shortened(self._labels.get(action_id) or action_id, MAX_PREVIEW_CHARACTERS)
        return shortened(str(data.get("text") or ""), MAX_PREVIEW_CHARACTERS)

    def _turn_outcome(self, turn: Turn) -> str:
        """Return why the turn is where it is, where its status alone does not say."""
        if turn.status == Turn.Status.FAILED:
            return f"next attempt {relative(turn.due_us, self._now_us)}"
        if turn.status == Turn.Status.RUNNING and not self._is_run(turn):
            return "its worker is gone: it will be run again"
        if turn.merged_into is not None:
            return f"{visible(turn.reason)} of turn #{turn.merged_into}"
        return visible(turn.reason)

    def _is_run(self, turn: Turn) -> bool:
        """True while a worker has the turn: by the lease of its thread, or by one of its own."""
        lease: TurnLease | None = getattr(turn, "lease", None)
        return is_held(lease, self._now_us) if turn.policy == "parallel" else self._is_held

    def _duration(self, turn: Turn) -> str:
        if turn.started_us is None or turn.status == Turn.Status.FAILED:
            return ""
        if turn.finished_us is not None:
            return span(turn.finished_us - turn.started_us)
        return f"{span(self._now_us - turn.started_us)} so far" if self._is_run(turn) else ""

    def _delivery_row(self, delivery: Any) -> DeliveryRow:
        outcome = visible(delivery.error)
        if delivery.status == Delivery.Status.WAITING and delivery.attempts:
            outcome = f"{outcome}, next attempt {relative(delivery.due_us, self._now_us)}"
        return DeliveryRow(
            delivery=delivery,
            turn="" if delivery.turn_sequence is None else f"#{delivery.turn_sequence}",
            status=delivery_chip(delivery.status),
            preview=shortened(text_of_payload(_json_object(delivery.payload)), MAX_PREVIEW_CHARACTERS),
            outcome=outcome,
            sent=moment(delivery.sent_us, self._now_us),
        )

    def _action_row(self, action: ActionSnapshot) -> ActionRow:
        props = _json_object(action.props)
        return ActionRow(
            action=action,
            label=visible(action.label or action.action_id),
            component=self._component(action),
            props=pairs(props, ", "),
            bound_args=_arguments(action.bound_args),
            use=self._use(action),
            expires=moment(action.expires_us, self._now_us),
        )

    def _component(self, action: ActionSnapshot) -> SafeString | str:
        if not action.component:
            return "inline"
        if self._bot is not None and action.component not in self._bot.components:
            return chip("bad", f"{action.component}: not in the bot any more")
        return visible(action.component)

    def _use(self, action: ActionSnapshot) -> SafeString | str:
        if not action.once:
            return "any number of times"
        if action.consumed_by is None:
            return chip("good", "once, not used yet")
        sequence = self._sequences.get(action.consumed_by)
        return chip(
            "quiet", f"used by turn #{sequence}" if sequence else f"used by the turn of id {action.consumed_by}"
        )


def text_of_payload(payload: dict[str, Json]) -> str:
    """Return a message's own text, else that of its blocks; platforms put it under "text"."""
    text = payload.get("text")
    if isinstance(text, str) and text.strip():
        return text
    # Slack shows what has a colour as an attachment.
    return " ".join([*_texts(payload.get("blocks"), 0), *_texts(payload.get("attachments"), 0)])


def _texts(value: Json, depth: int) -> list[str]:
    if depth > MAX_BLOCK_DEPTH:
        return []
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, depth + 1)]
    if isinstance(value, dict):
        text = value.get("text")
        own = [text] if isinstance(text, str) else []
        return own + [
            found for part in value.values() if isinstance(part, list | dict) for found in _texts(part, depth + 1)
        ]
    return []


def _arguments(text: str) -> str:
    """Return bound arguments as `name=value`; empty where the handler was not bound."""
    if not text:
        return ""
    try:
        value = exact_json.loads(text)
    except ValueError:
        return shortened(text, MAX_PREVIEW_CHARACTERS)
    return pairs(value, ", ") if isinstance(value, dict) else in_brief(value)


def _json_object(text: str) -> dict[str, Json]:
    """Return a stored JSON object; empty where it is something else, because this page must open."""
    try:
        value = exact_json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _latest(rows: "QuerySet[Any]") -> Latest[Any]:
    shown = list(rows[: MAX_ROWS + 1])
    if len(shown) <= MAX_ROWS:
        return Latest(shown, 0)
    return Latest(shown[:MAX_ROWS], max(rows.count() - MAX_ROWS, 1))
