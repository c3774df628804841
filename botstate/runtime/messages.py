"""What handlers are given: a message, or a click."""

from dataclasses import dataclass, field

from botstate.contracts.events import Event
from botstate.types import Json


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message that somebody wrote. `id` is the platform's name for it, `raw` the platform's event as it came."""

    id: str
    text: str
    user: str
    channel: str
    is_mention: bool
    raw: dict[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, event: Event) -> "IncomingMessage":
        """Make it from a message or mention event."""
        return cls(
            id=event.ref,
            text=str(event.data.get("text") or ""),
            user=event.user,
            channel=event.channel,
            is_mention=event.kind == "mention",
            raw=event.data.get("raw") or {},
        )


@dataclass(frozen=True, slots=True)
class Click:
    """A control that somebody used.

    id: the control's action id. value: the control's `value`, as it was posted. args: its bound arguments, or None.
    user: who clicked. message_id: the platform's name for the message. raw: the platform's payload as it came.
    """

    id: str
    value: Json
    args: Json
    user: str
    channel: str
    message_id: str
    raw: dict[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, event: Event, value: Json, args: Json) -> "Click":
        """Make it from a click event and what its control was posted with."""
        return cls(
            id=str(event.data.get("action_id") or ""),
            value=value,
            args=args,
            user=event.user,
            channel=event.channel,
            message_id=event.ref,
            raw=event.data.get("raw") or {},
        )
