"""What a chat platform does for the runtime."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from botstate.contracts.events import Event, Origin
from botstate.types import Json

DeliveryKind = Literal["post", "ephemeral", "update", "delete", "modal"]


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message, or a change of one, on its way out.

    conversation: the thread's key. payload: what `Platform.render` made; empty for a delete; {"trigger_id", "view"} for
    a modal, of which the second is what `Platform.render_modal` made. user: who alone sees an
    ephemeral one. channel: where that is, if not in the thread's own; of an update or delete, where the message is, and
    ref what the platform calls it.
    """

    kind: DeliveryKind
    origin: Origin
    conversation: str
    payload: dict[str, Json]
    user: str = ""
    channel: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the platform answered: the message's channel and its name there."""

    channel: str
    ref: str


class DeliveryFailed(Exception):
    """The platform refused a message for good. `code` is its word for why; never the message."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DeliveryDelayed(DeliveryFailed):
    """The platform could not take a message now, or did not say that it has.

    retry_after_s: when it asked to be tried again, or None. is_unsent: True where it surely has not taken the message,
    so that even one that must be sent at most once may be tried again.
    """

    def __init__(self, code: str, retry_after_s: float | None = None, *, is_unsent: bool = False) -> None:
        super().__init__(code)
        self.retry_after_s = retry_after_s
        self.is_unsent = is_unsent


class Platform(ABC):
    """A chat platform: rendering is pure, sending is one request."""

    def root_of(self, conversation: str) -> "Sent | None":
        """Return the message that a conversation began with, or None where it began with none. Pure."""
        return None

    def takes_part(self, event: Event) -> bool:
        """True if a plain message is known to be meant for the bot: said to it alone, or where it takes part.

        False where that is not known. Never raises, and never waits for long.
        """
        return False

    def record_participation(self, origin: Origin, conversation: str, sent: Sent | None = None) -> None:  # noqa: B027
        """Remember for `takes_part` that the bot has spoken in a conversation, or with `sent` began one. Never raises.

        A platform may have no memory of its own: what was sent is asked then.
        """

    @abstractmethod
    def render(self, nodes: list[Json]) -> dict[str, Json]:
        """Return the platform's payload for a message in botstate's intermediate representation. Pure."""

    @abstractmethod
    def render_modal(self, nodes: list[Json]) -> dict[str, Json]:
        """Return the platform's payload for the first modal among `nodes`. Pure. Raises ValueError without one."""

    @abstractmethod
    def send(self, outbound: Outbound) -> Sent:
        """Send one message. Raises DeliveryDelayed when trying again may help, else DeliveryFailed."""
