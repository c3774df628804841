"""What comes in: one event of a platform, in botstate's words."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from botstate.types import Json

#: "message" and "mention" are said by people; "click" is a control that botstate minted an id for, or one of the
#: bot's own; "shortcut" is started from a menu.
EventKind = Literal["message", "mention", "click", "shortcut"]
CONFLICTING_KINDS = ("message", "mention")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event comes from: every key that botstate makes of it begins with this."""

    bot: str
    platform: str
    app: str
    workspace: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in one conversation.

    conversation: names the thread within the origin. identity: names the event within the origin, the same for every
    redelivery. ref: the message that was sent or clicked, as the platform names it. data: what handlers see.
    """

    kind: EventKind
    origin: Origin
    conversation: str
    identity: str
    user: str = ""
    channel: str = ""
    ref: str = ""
    data: dict[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Return the event as JSON; `from_json` gives an equal one back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Event":
        """Return the event that `to_json` wrote."""
        return cls(**{**value, "origin": Origin(**value["origin"])})


@dataclass(frozen=True, slots=True)
class Ignored:
    """A signed, well-formed event that no handler could ever get, and why. It leaves a receipt and no turn."""

    origin: Origin
    identity: str
    reason: str
