"""Bot: a name, a state schema, options, and the handlers that run."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
from botstate.ui.handlers import qualified_name

LockConflict = Literal["drop", "force", "queue", "debounce", "burst", "parallel"]
#: Chooses for one message that finds its thread busy: called with the thread, to read from, and the message.
ConflictChoice = Callable[[Any, Any], LockConflict]
OnFull = Literal["drop-oldest", "drop-newest"]
DeliveryGuarantee = Literal["at_least_once", "at_most_once"]
Handler = Callable[..., Any]
HandlerT = TypeVar("HandlerT", bound=Handler)

MAX_NAME_CHARACTERS = 100
#: What every id begins with that botstate has minted.
MINTED_PREFIX = "ck:"
LOCK_CONFLICTS: tuple[str, ...] = get_args(LockConflict)
ON_FULL: tuple[str, ...] = get_args(OnFull)
GUARANTEES: tuple[str, ...] = get_args(DeliveryGuarantee)
MAX_COMPONENT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """A bot's bounds for the messages of a thread. quiet_us: how long "debounce" and "burst" wait."""

    max_waiting: int
    on_full: OnFull
    quiet_us: int


class Bot:
    """A bot: define one per `bots.py`; it is found when Django starts.

    name: 1 to 100 characters, part of every key that botstate stores. state: a pydantic model for each thread's state,
    None for any JSON object.
    on_lock_conflict: what happens to a message that arrives while a turn of its thread runs or waits. "drop" records
    it as dropped; "queue" runs it after the others; "force" ends the others, the running one too, and runs it at once;
    "debounce" lets every message wait until there was none for `quiet_period`, and runs the last one, with the others
    as `message.skipped`; "burst" does so `quiet_period` after the first; "parallel" runs every message at once, beside
    the others. A callable is given the thread and the message, and returns one of these. What is no message, such as
    a click, always queues, and is never ended by "force".
    max_waiting: how many messages of a thread may wait (10,000); on_full: which one is dropped beyond that.
    require_mention: True lets a message that does not mention the bot be heard only where it is known to be meant: in a
    direct message, and in threads in which the bot has posted. Others are ignored, with a receipt that says so.
    lock_ttl: how long a dead worker keeps a thread (30 s; a live one renews its lease).
    dedup_ttl: how long a redelivery is recognised (24 h). max_attempts: how often a failing turn is tried (5).
    turn_timeout: how long a turn may run before it is given up as a failed attempt (10 min).
    atomic_turns: False stores each change of state, and sends each post, when the handler makes it, not when the
    turn ends; a turn that is run again makes them again, except for posts that it has posted before.
    delivery: "at_least_once", or "at_most_once", which rather loses a message than sends it twice.
    action_retention: how long the controls of a message work (7 days).
    """

    def __init__(
        self,
        name: str,
        *,
        state: type[pydantic.BaseModel] | None = None,
        on_lock_conflict: LockConflict | ConflictChoice = "drop",
        quiet_period: Duration = 1.5,
        max_waiting: int = 10_000,
        on_full: OnFull = "drop-oldest",
        lock_ttl: Duration = 30,
        dedup_ttl: Duration = "24h",
        max_attempts: int = 5,
        turn_timeout: Duration = "10m",
        atomic_turns: bool = True,
        delivery: DeliveryGuarantee = "at_least_once",
        action_retention: Duration = "7d",
        require_mention: bool = False,
    ) -> None:
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
            raise BotStateMisconfigured(f"a bot's name must be 1 to {MAX_NAME_CHARACTERS} printable characters")
        if not callable(on_lock_conflict):
            _check_choice(on_lock_conflict, "on_lock_conflict", LOCK_CONFLICTS)
        _check_choice(on_full, "on_full", ON_FULL)
        _check_choice(delivery, "delivery", GUARANTEES)
        check_bound(max_attempts, "max_attempts", 1)
        check_bound(max_waiting, "max_waiting", 1)
        self.name = name
        self.schema = StateSchema(state)
        self.on_lock_conflict = on_lock_conflict
        self.limits = Limits(max_waiting, on_full, to_microseconds(quiet_period, "quiet_period"))
        self.lock_ttl_us = to_microseconds(lock_ttl, "lock_ttl")
        self.dedup_ttl_us = to_microseconds(dedup_ttl, "dedup_ttl")
        self.max_attempts = max_attempts
        self.turn_timeout_us = to_microseconds(turn_timeout, "turn_timeout")
        self.has_atomic_turns = bool(atomic_turns)
        self.requires_mention = bool(require_mention)
        self.sends_once = delivery == "at_most_once"
        self.action_retention_us = to_microseconds(action_retention, "action_retention")
        self.components: dict[str, Component] = {}
        self._handlers: dict[str, list[Handler]] = {"mention": [], "message": []}
        #: What the bot does about a thing by its name; by kind, then by name.
        self._named: dict[str, dict[str, Handler]] = {}
        self._reactions: list[tuple[frozenset[str], Handler]] = []
        self.expired_handler: Handler | None = None
        bots.add(self)

    def __repr__(self) -> str:
        return f"<Bot {self.name!r}>"

    @property
    def may_run_in_parallel(self) -> bool:
        """True if a turn of this bot may need no lease of its thread."""
        return callable(self.on_lock_conflict) or self.on_lock_conflict == "parallel"

    def on_mention(self, handler: HandlerT) -> HandlerT:
        """Run `handler(thread, message)` for every message that mentions the bot. def or async def."""
        self._require_runnable(handler)
        self._handlers["mention"].append(handler)
        return handler

    def on_message(self, handler: HandlerT) -> HandlerT:
        """Run `handler(thread, message)` for every other message, and for mentions while there is no `on_mention`."""
        self._require_runnable(handler)
        self._handlers["message"].append(handler)
        return handler

    def on_interaction(self, action_id: str) -> Callable[[HandlerT], HandlerT]:
        """Run `handler(thread, click)` for clicks on a control that has this id and no handler of its own.

        That is a Button with this `key` and no `on_click`, a control in blocks from elsewhere, or a shortcut.
        """
        return self._register("interaction", action_id)

    def on_command(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Run `handler(thread, command)` for a slash command; `name` with its slash, such as "/refund"."""
        if not name.startswith("/") or len(name) < len("/x"):
            raise BotStateMisconfigured(f"a command's name must begin with a slash, not {name!r:.80}")
        return self._register("command", name)

    def on_modal_submit(self, callback_id: str) -> Callable[[HandlerT], HandlerT]:
        """Run `handler(thread, submission)` for a modal of this callback_id that has no `on_submit` of its own."""
        return self._register("modal_submit", callback_id)

    def on_modal_close(self, callback_id: str) -> Callable[[HandlerT], HandlerT]:
        """Run `handler(thread, submission)` for a modal of this callback_id that was closed, and has no `on_close`."""
        return self._register("modal_close", callback_id)

    def on_reaction(self, *emoji: str) -> Callable[[HandlerT], HandlerT]:
        """Run `handler(thread, reaction)` for these emoji, by name and without colons; for every one without a name."""

        def register(handler: HandlerT) -> HandlerT:
            self._require_runnable(handler)
            self._reactions.append((frozenset(name.strip(":") for name in emoji), handler))
            return handler

        return register

    def on_action_expired(self, handler: HandlerT) -> HandlerT:
        """Run `handler(thread, click)` for a control that has expired, instead of telling the person so.

        One that takes a single argument gets the click, which has the thread as `click.thread`.
        """
        self._require_runnable(handler)
        self.expired_handler = handler
        return handler

    def on_choice(self, handler: HandlerT) -> HandlerT:
        """Make `handler(thread, choice)` a continuation for `thread.await_choice(..., then=handler)`.

        It is stored by its name, so that whichever process is alive then finds it.
        """
        self._register("choice", continuation_name(handler))(handler)
        return handler

    def _register(self, kind: str, name: str) -> Callable[[HandlerT], HandlerT]:
        def register(handler: HandlerT) -> HandlerT:
            named = self._named.setdefault(kind, {})
            self._require_runnable(handler)
            if name in named:
                raise BotStateMisconfigured(f"{self!r} has two handlers for {kind} {name!r}")
            named[name] = handler
            return handler

        return register

    def _require_runnable(self, handler: Handler) -> None:
        """Refuse a function with a `yield`: calling it would run nothing of it."""
        called = (handler, getattr(handler, "__call__", None))  # noqa: B004 - of an object it is what runs
        if any(inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one) for one in called):
            raise BotStateMisconfigured(f"{self!r}: {qualified_name(handler)} has a yield, so it would never run")

    @overload
    def component(self, function: Callable[..., Any]) -> Component: ...

    @overload
    def component(
        self, function: None = None, *, name: str | None = None, aliases: Iterable[str] = ()
    ) -> Callable[[Callable[..., Any]], Component]: ...

    def component(
        self, function: Callable[..., Any] | None = None, *, name: str | None = None, aliases: Iterable[str] = ()
    ) -> Component | Callable[[Callable[..., Any]], Component]:
        """Make a function of JSON props a component that posted messages remember by its name.

        It must be pure: a click after a restart renders it again, with the props that it was posted with. aliases:
        names that it had before, by which the messages that were posted then find it.
        """
        if isinstance(aliases, str):
            raise BotStateMisconfigured(f"aliases must be a list of names, not the text {aliases!r:.80}")

        def register(render: Callable[..., Any]) -> Component:
            made = Component(name or render.__name__, render)
            for known_as in (made.name, *aliases):
                if not 1 <= len(known_as) <= MAX_COMPONENT_CHARACTERS:
                    raise BotStateMisconfigured(
                        f"a component's name may have at most {MAX_COMPONENT_CHARACTERS} characters"
                    )
                if known_as in self.components:
                    raise BotStateMisconfigured(f"{self!r} has two components named {known_as!r}")
                self.components[known_as] = made
            return made

        return register if function is None else register(function)

    def handles(self, event: Event) -> bool:
        """True if something of this bot runs for `event`, or somebody has to be told that nothing does.

        Slack reports the use of a link button as a click; that and an unknown shortcut concern nobody. Neither does the
        use of a modal's field without a handler, which is part of what is submitted. Of a reaction it is said whether
        the bot has a handler for the emoji, whoever posted the message.
        """
        action_id = str(event.data.get("action_id") or "")
        if event.kind == "shortcut" or event.data.get("is_link"):
            return self.interaction_handler(action_id) is not None
        if event.data.get("is_field"):
            return action_id.startswith(MINTED_PREFIX) or self.interaction_handler(action_id) is not None
        if event.kind == "command":
            return self.command_handler(str(event.data.get("name") or "")) is not None
        if event.kind == "reaction":
            return bool(self.reaction_handlers(str(event.data.get("emoji") or "")))
        if event.kind in ("modal_submit", "modal_close"):
            return action_id.startswith(MINTED_PREFIX) or self.modal_handler(event.kind, action_id) is not None
        return event.kind in ("click", "choice") or bool(self.handlers_for(event))

    def handlers_for(self, event: Event) -> list[Handler]:
        """Return the handlers of a message or mention."""
        if event.kind == "mention":
            return self._handlers["mention"] or self._handlers["message"]
        return self._handlers.get(event.kind, [])

    def interaction_handler(self, action_id: str) -> Handler | None:
        """Return the handler of a control that has no handler of its own."""
        return self._named.get("interaction", {}).get(action_id)

    def command_handler(self, name: str) -> Handler | None:
        """Return the handler of a slash command."""
        return self._named.get("command", {}).get(name)

    def modal_handler(self, kind: str, callback_id: str) -> Handler | None:
        """Return the handler of a modal that was submitted or closed, and has no handler of its own."""
        return self._named.get(kind, {}).get(callback_id)

    def reaction_handlers(self, emoji: str) -> list[Handler]:
        """Return the handlers for an emoji."""
        return [handler for names, handler in self._reactions if not names or emoji in names]

    def require_continuation(self, handler: Handler) -> str:
        """Return the name by which a continuation is stored. Raises ValueError unless `on_choice` has registered it."""
        name = continuation_name(handler)
        if self.continuation(name) != handler:
            raise ValueError(f"{name} must be registered with @bot.on_choice to continue a conversation")
        return name

    def continuation(self, name: str) -> Handler | None:
        """Return what was registered with `on_choice` under this name."""
        return self._named.get("choice", {}).get(name)


def continuation_name(handler: Handler) -> str:
    """Return the name by which a continuation is stored: its module's and its own."""
    return qualified_name(handler)[:MAX_COMPONENT_CHARACTERS]


def _check_choice(value: object, name: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BotStateMisconfigured(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r:.80}")
