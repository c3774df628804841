"""Bot: a name, a state schema, options, and the handlers that run."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args, overload

import pydantic

from botstate.contracts.events import Event
from botstate.contracts.facet import check_bound
from botstate.durations import to_microseconds
from botstate.exceptions import BotStateMisconfigured
from botstate.runtime.registry import bots
from botstate.threads.schema import StateSchema
from botstate.types import Duration
from botstate.ui.components import Component

LockConflict = Literal["drop", "queue"]
Handler = Callable[..., Any]
HandlerT = TypeVar("HandlerT", bound=Handler)

MAX_NAME_CHARACTERS = 100
MAX_COMPONENT_CHARACTERS = 200


class Bot:
    """A bot: define one per `bots.py`; it is found when Django starts.

    name: 1 to 100 characters, part of every key that botstate stores. state: a pydantic model for each thread's state,
    None for any JSON object.
    on_lock_conflict: what happens to a message that arrives while a turn of its thread runs or waits: "drop" records
    it as dropped, "queue" runs it after the others. Clicks always queue.
    lock_ttl: how long a dead worker keeps a thread (default 30 s; a live one renews its lease).
    dedup_ttl: how long a redelivery is recognised (24 h). max_attempts: how often a failing turn is tried (5).
    action_retention: how long the controls of a message work (7 days).
    """

    def __init__(
        self,
        name: str,
        *,
        state: type[pydantic.BaseModel] | None = None,
        on_lock_conflict: LockConflict = "drop",
        lock_ttl: Duration = 30,
        dedup_ttl: Duration = "24h",
        max_attempts: int = 5,
        action_retention: Duration = "7d",
    ) -> None:
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
            raise BotStateMisconfigured(f"a bot's name must be 1 to {MAX_NAME_CHARACTERS} printable characters")
        if on_lock_conflict not in get_args(LockConflict):
            raise BotStateMisconfigured(f"on_lock_conflict must be 'drop' or 'queue', not {on_lock_conflict!r:.80}")
        check_bound(max_attempts, "max_attempts", 1)
        self.name = name
        self.schema = StateSchema(state)
        self.on_lock_conflict = on_lock_conflict
        self.lock_ttl_us = to_microseconds(lock_ttl, "lock_ttl")
        self.dedup_ttl_us = to_microseconds(dedup_ttl, "dedup_ttl")
        self.max_attempts = max_attempts
        self.action_retention_us = to_microseconds(action_retention, "action_retention")
        self.components: dict[str, Component] = {}
        self._handlers: dict[str, list[Handler]] = {"mention": [], "message": []}
        self._interactions: dict[str, Handler] = {}
        bots.add(self)

    def __repr__(self) -> str:
        return f"<Bot {self.name!r}>"

    def on_mention(self, handler: HandlerT) -> HandlerT:
        """Run `handler(thread, message)` for every message that mentions the bot. def or async def."""
        self._handlers["mention"].append(handler)
        return handler

    def on_message(self, handler: HandlerT) -> HandlerT:
        """Run `handler(thread, message)` for every other message, and for mentions while there is no `on_mention`."""
        self._handlers["message"].append(handler)
        return handler

    def on_interaction(self, action_id: str) -> Callable[[HandlerT], HandlerT]:
        """Run `handler(thread, click)` for clicks on a control that has this id and no handler of its own.

        That is a Button with this `key` and no `on_click`, a control in blocks from elsewhere, or a shortcut.
        """

        def register(handler: HandlerT) -> HandlerT:
            if action_id in self._interactions:
                raise BotStateMisconfigured(f"{self!r} has two handlers for interaction {action_id!r}")
            self._interactions[action_id] = handler
            return handler

        return register

    @overload
    def component(self, function: Callable[..., Any]) -> Component: ...

    @overload
    def component(
        self, function: None = None, *, name: str | None = None
    ) -> Callable[[Callable[..., Any]], Component]: ...

    def component(
        self, function: Callable[..., Any] | None = None, *, name: str | None = None
    ) -> Component | Callable[[Callable[..., Any]], Component]:
        """Make a function of JSON props a component that posted messages remember by its name.

        It must be pure: a click after a restart renders it again, with the props that it was posted with.
        """

        def register(render: Callable[..., Any]) -> Component:
            made = Component(name or render.__name__, render)
            if not 1 <= len(made.name) <= MAX_COMPONENT_CHARACTERS:
                raise BotStateMisconfigured(
                    f"a component's name may have at most {MAX_COMPONENT_CHARACTERS} characters"
                )
            if made.name in self.components:
                raise BotStateMisconfigured(f"{self!r} has two components named {made.name!r}")
            self.components[made.name] = made
            return made

        return register if function is None else register(function)

    def handles(self, event: Event) -> bool:
        """True if something of this bot runs for `event`, or somebody has to be told that nothing does.

        Slack reports the use of a link button as a click; that and an unknown shortcut concern nobody.
        """
        action_id = str(event.data.get("action_id") or "")
        if event.kind == "shortcut" or event.data.get("is_link"):
            return action_id in self._interactions
        return event.kind == "click" or bool(self.handlers_for(event))

    def handlers_for(self, event: Event) -> list[Handler]:
        """Return the handlers of a message or mention."""
        if event.kind == "mention":
            return self._handlers["mention"] or self._handlers["message"]
        return self._handlers.get(event.kind, [])

    def interaction_handler(self, action_id: str) -> Handler | None:
        """Return the handler of a control that has no handler of its own."""
        return self._interactions.get(action_id)
