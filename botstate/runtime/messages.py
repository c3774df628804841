"""What handlers are given: a message, a click, and whatever else people do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botstate.contracts.events import Event
from botstate.runtime.posts import Posted
from botstate.types import Json

if TYPE_CHECKING:
    from botstate.runtime.thread import Thread


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message that somebody wrote. `id` is the platform's name for it, `raw` the platform's event as it came.

    skipped: the earlier messages that this one stands for, oldest first, where the bot's on_lock_conflict is "debounce"
    or "burst".
    """

    id: str
    text: str
    user: str
    channel: str
    is_mention: bool
    raw: dict[str, Json] = field(default_factory=dict, repr=False)
    skipped: tuple["IncomingMessage", ...] = ()

    @classmethod
    def of(cls, event: Event, skipped: Sequence[Event] = ()) -> "IncomingMessage":
        """Make it from a message or mention event, and those of the messages that it stands for."""
        return cls(
            id=event.ref,
            text=str(event.data.get("text") or ""),
            user=event.user,
            channel=event.channel,
            is_mention=event.kind == "mention",
            raw=event.data.get("raw") or {},
            skipped=tuple(map(cls.of, skipped)),
        )


@dataclass(frozen=True, slots=True)
class Click:
    """A control that somebody used.

    id: the control's action id. value: the control's `value`, as it was posted; of a Select what was chosen, a list
    where several may be; of an Input what was typed. args: its bound arguments, or None. user: who clicked.
    message_id: the platform's name for the message; message: its handle for `thread.update` and `thread.delete`, None
    where the bot has not posted it. trigger_id: for `thread.open_modal`. raw: the platform's payload as it came.
    thread: what handlers get beside it.
    """

    id: str
    value: Json
    args: Json
    user: str
    channel: str
    message_id: str
    message: Posted | None = None
    trigger_id: str = field(default="", repr=False)
    raw: dict[str, Json] = field(default_factory=dict, repr=False)
    thread: "Thread | None" = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, event: Event, value: Json, args: Json, *, thread: "Thread", message: Posted | None = None) -> "Click":
        """Make it from a click event and what its control was posted with."""
        return cls(
            id=str(event.data.get("action_id") or ""),
            value=value,
            args=args,
            user=event.user,
            channel=event.channel,
            message_id=event.ref,
            message=message,
            trigger_id=trigger_of(event),
            raw=event.data.get("raw") or {},
            thread=thread,
        )


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. name: with its slash. text: what was typed after it. trigger_id: for `thread.open_modal`."""

    name: str
    text: str
    user: str
    channel: str
    trigger_id: str = field(default="", repr=False)
    raw: dict[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, event: Event) -> "Command":
        """Make it from a command event."""
        return cls(
            name=str(event.data.get("name") or ""),
            text=str(event.data.get("text") or ""),
            user=event.user,
            channel=event.channel,
            trigger_id=trigger_of(event),
            raw=event.data.get("raw") or {},
        )


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji that somebody put on a message, or took away.

    emoji: its name, without colons. is_added: False where it was taken away. message: the handle of a message of the
    bot's own. args: the bound arguments of the message's `on_reaction`, or None.
    """

    emoji: str
    is_added: bool
    user: str
    channel: str
    message_id: str
    message: Posted | None = None
    args: Json = None
    raw: dict[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, event: Event, message: Posted | None, args: Json = None) -> "Reaction":
        """Make it from a reaction event."""
        return cls(
            emoji=str(event.data.get("emoji") or ""),
            is_added=bool(event.data.get("is_added")),
            user=event.user,
            channel=event.channel,
            message_id=event.ref,
            message=message,
            args=args,
            raw=event.data.get("raw") or {},
        )


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal that somebody submitted, or closed: then without values.

    callback_id: the modal's. values: what each input holds, by its name. args: the handler's bound arguments, or None.
    """

    callback_id: str
    values: dict[str, Json]
    args: Json
    user: str
    trigger_id: str = field(default="", repr=False)
    raw: dict[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, event: Event, values: dict[str, Json], args: Json) -> "Submission":
        """Make it from a modal's event, and what its inputs hold."""
        return cls(
            callback_id=str(event.data.get("action_id") or ""),
            values=values,
            args=args,
            user=event.user,
            trigger_id=trigger_of(event),
            raw=event.data.get("raw") or {},
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer to `thread.await_choice`, or that there was none in time.

    value: that of the control that was used; None where nobody did. args: what `await_choice` was given.
    """

    value: Json
    args: Json
    user: str
    is_timed_out: bool
    message: Posted
    click: Click | None = None


def trigger_of(event: Event) -> str:
    """Return what the platform opens a modal for: its word for what a person did just now."""
    raw = event.data.get("raw")
    trigger = raw.get("trigger_id") if isinstance(raw, dict) else None
    return trigger if isinstance(trigger, str) else ""
