"""What a chat platform does for the runtime."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from botstate.contracts.events import Origin
from botstate.types import Json

DeliveryKind = Literal["post", "ephemeral"]


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message on its way out.

    conversation: the thread's key. payload: what `Platform.render` made. user: who
    alone sees an ephemeral one. channel: where that is, if not in the thread's own.
    """

    kind: DeliveryKind
    origin: Origin
    conversation: str
    payload: dict[str, Json]
    user: str = ""
    channel: str = ""


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
    """The platform could not take a message now. `retry_after_s`: when it asked to be tried again, or None."""

    def __init__(self, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.retry_after_s = retry_after_s


class Platform(ABC):
    """A chat platform: rendering is pure, sending is one request."""

    @abstractmethod
    def render(self, nodes: list[Json]) -> dict[str, Json]:
        """Return the platform's payload for a message in botstate's intermediate representation. Pure."""

    @abstractmethod
    def send(self, outbound: Outbound) -> Sent:
        """Send one message. Raises DeliveryDelayed when trying again may help, else DeliveryFailed."""
