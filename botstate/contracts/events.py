"""What comes in: one event of a platform, in botstate's words."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from botstate.types import Json

#: "message" and "mention" are said by people; "click" is a control that botstate minted an id for, or one of the
#: bot's own, and so are a modal's "modal_submit" and "modal_close"; "reaction" is an emoji on a message; "shortcut" is
#: started from a menu, "command" typed after a slash; "choice" is a question that nobody answered in time.
EventKind = Literal[
    "message", "mention", "click", "modal_submit", "modal_close", "reaction", "shortcut", "command", "choice"
]
#: What `on_lock_conflict` is about.
CONFLICTING_KINDS = ("message", "mention")
#: What is about a message or modal of the bot's own, whose thread it belongs to.
POSTED_KINDS = ("click", "modal_submit", "modal_close", "reaction")


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
        """Return the event as JSON that shares its data; `from_json` gives an equal one back."""
        # asdict would copy the whole payload, which takes longer than everything else on the way to the 200.
        parts = {name: getattr(self, name) for name in _EVENT_FIELDS}
        return {**parts, "origin": {name: getattr(self.origin, name) for name in _ORIGIN_FIELDS}}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Event":
        """Return the event that `to_json` wrote."""
        return cls(**{**value, "origin": Origin(**value["origin"])})


_EVENT_FIELDS = [part.name for part in fields(Event)]
_ORIGIN_FIELDS = [part.name for part in fields(Origin)]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A signed, well-formed event that no handler could ever get, and why. It leaves a receipt and no turn."""

    origin: Origin
    identity: str
    reason: str
