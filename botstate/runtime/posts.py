"""What a turn posts, and the handle by which it can be changed later."""

import re
from dataclasses import dataclass

from botstate import exact_json
from botstate.actions.controls import Control
from botstate.contracts.platforms import DeliveryKind
from botstate.exceptions import shown
from botstate.types import Json

_OF_TURN = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})", re.ASCII)
_OF_DELIVERY = re.compile(r"#([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that a turn has posted. `id` is short text, which may be kept in the thread's state.

    `thread.update` and `thread.delete` take this, or its id: in the same turn, when it has not been sent yet, or later.
    """

    id: str

    @classmethod
    def of_turn(cls, turn_id: int, position: int) -> "Posted":
        """Return the handle of the turn's post number `position`, from 0."""
        return cls(f"{turn_id}.{position}")

    @classmethod
    def of_delivery(cls, delivery_id: int) -> "Posted":
        """Return the handle of a message that is on its way, or was sent."""
        return cls(f"#{delivery_id}")

    @classmethod
    def of(cls, message: "Posted | str") -> "Posted":
        """Return a handle, or make one of its id. Raises ValueError for what is neither."""
        made = message if isinstance(message, Posted) else cls(message)
        if not isinstance(made.id, str) or not (_OF_TURN.fullmatch(made.id) or _OF_DELIVERY.fullmatch(made.id)):
            raise ValueError(f"a message must be what thread.post returned, or its id, not {shown(message)}")
        return made

    def named(self) -> dict[str, int]:
        """Return the columns that find the message's delivery within its thread."""
        in_turn = _OF_TURN.fullmatch(self.id)
        if in_turn:
            return {"turn_id": int(in_turn[1]), "position": int(in_turn[2])}
        return {"pk": int(self.id.removeprefix("#"))}


@dataclass(frozen=True, slots=True)
class ChoiceRequest:
    """How a conversation goes on once somebody has chosen: the continuation's name, and its arguments as JSON text.

    timeout_us: how long to wait; None for ever.
    """

    continuation: str
    args_text: str
    timeout_us: int | None


@dataclass(frozen=True, slots=True)
class Post:
    """A message, or a change of one, as a turn has made it: the platform's payload and the message's controls.

    target: the message that an "update" or "delete" changes. choice: what the message asks. Raises NotSerializable for
    a payload that could not be stored, because the turn's end would be too late for whoever posts it.
    """

    position: int
    kind: DeliveryKind
    payload: dict[str, Json]
    controls: list[Control]
    user: str = ""
    channel: str = ""
    target: Posted | None = None
    choice: ChoiceRequest | None = None

    def __post_init__(self) -> None:
        exact_json.dumps(self.payload, "message")
