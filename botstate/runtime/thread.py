"""Thread: what a handler holds of its conversation."""

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation

from botstate import event_loop, exact_json
from botstate.actions.controls import BoundMessage, Control, bind_controls
from botstate.contracts.addresses import check_text
from botstate.contracts.platforms import DeliveryKind, Platform
from botstate.durations import to_microseconds
from botstate.exceptions import ActionError, TurnSuperseded
from botstate.runtime.heartbeat import Pulse
from botstate.runtime.journal import Change, Journal
from botstate.runtime.keys import with_keys
from botstate.runtime.messages import Click, Command, Submission
from botstate.runtime.posts import ChoiceRequest, Post, Posted
from botstate.threads.buffer import StateBuffer
from botstate.types import Duration, Json
from botstate.ui.components import Component

logger = logging.getLogger("botstate.runtime")

MAX_ID_CHARACTERS = 64
MAX_TRIGGER_CHARACTERS = 255

P = ParamSpec("P")
R = TypeVar("R")


def writes(method: Callable[Concatenate["Thread", P], R]) -> Callable[Concatenate["Thread", P], R]:
    """Refuse a change by a turn that is over, and one that would block a running event loop."""

    @wraps(method)
    def checked(thread: "Thread", /, *args: P.args, **kwargs: P.kwargs) -> R:
        if thread.journal.does_io and event_loop.is_running():
            name = method.__name__
            raise SynchronousOnlyOperation(f"thread.{name} would block the event loop: use thread.a{name}")
        thread.check_current()
        return method(thread, *args, **kwargs)

    return checked


class TurnInfo:
    """The turn that a handler runs in. `attempt` is 1 the first time."""

    def __init__(self, turn_id: int, attempt: int, pulse: Pulse) -> None:
        self.id = turn_id
        self.attempt = attempt
        self._pulse = pulse

    @property
    def superseded(self) -> bool:
        """True once the turn has lost its thread: what it still does will not be stored.

        Known at once after this process stood still, and within a second or so after another took the thread.
        """
        return self._pulse.is_over


class ThreadView:
    """One conversation, to read from. `key` names it on its platform."""

    def __init__(self, key: str, platform: str, workspace: str, state: StateBuffer) -> None:
        self.key = key
        self.platform = platform
        self.workspace = workspace
        self._view = state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.platform} {self.key}>"

    def state(self) -> Any:
        """Return a copy of the thread's state: the bot's pydantic model, or a dict where it has none.

        Raises StateInvalid when what is stored does not fit the model any more.
        """
        return self._state.read()

    @property
    def state_version(self) -> int:
        """The version of the stored state, for `expected_version`; it grows with each change that is stored."""
        return self._state.version

    @property
    def _state(self) -> StateBuffer:
        return self._view


class Thread(ThreadView):
    """One conversation, as the handler of one turn sees it.

    In an atomic turn, which is the default, what a handler changes and posts is buffered, readable by itself, and
    stored in one transaction together with the turn's end, or not at all; no method does I/O then, so all of them may
    be called in `def` and `async def` handlers. With the bot's atomic_turns=False each change is stored, and each post
    sent, at once: an `async def` handler then awaits the `a` twins. Every change raises TurnSuperseded once the turn
    has lost its thread, or has ended.

    A handler may call it from several threads at once: what they change and post is done one at a time.
    """

    def __init__(
        self,
        *,
        key: str,
        platform_name: str,
        workspace: str,
        turn: TurnInfo,
        journal: Journal,
        platform: Platform,
        components: Mapping[str, Component],
        continuation_name: Callable[[Callable[..., Any]], str],
    ) -> None:
        super().__init__(key, platform_name, workspace, journal.state)
        self.turn = turn
        self.journal = journal
        self._renderer = platform
        self._components = components
        self._continuation_name = continuation_name
        self._is_over = False

    @writes
    def set_state(
        self, mapping: Mapping[str, Any] | None = None, /, *, expected_version: int | None = None, **patch: Any
    ) -> None:
        """Replace top-level fields of the state; the others stay.

        Raises StateInvalid, and stores nothing, when the result does not fit the bot's model or a field is unknown;
        NotSerializable when it is not JSON; StateConflict when the state is not at `expected_version`.
        """
        merged = {**(mapping or {}), **patch}
        self._change(expected_version, lambda state: state.patch(merged))

    @writes
    def replace_state(self, value: Any, *, expected_version: int | None = None) -> None:
        """Replace the whole state by a model instance or mapping, whatever was stored. Raises as `set_state`."""
        self._change(expected_version, lambda state: state.replace(value))

    @writes
    def update_state(self, change: Callable[[Any], Any], *, expected_version: int | None = None) -> None:
        """Replace the state by `change(state)`, which gets a copy. Raises as `set_state`, and what `change` raises.

        Where another turn has changed the stored state meanwhile, `change` is called again on that, up to three times
        without a lock, then once more inside the transaction: it must be quick, and do nothing but return the state.
        """
        self._change(expected_version, lambda state: state.update(change))

    @writes
    def clear_state(self, *, expected_version: int | None = None) -> None:
        """Forget the state, readable or not: it reads as before the thread's first change. Raises StateConflict."""
        self._change(expected_version, lambda state: state.clear())

    @writes
    def post(self, ui: Any) -> Posted:
        """Post a component, a node or text to the conversation: when the turn ends well, or at once (see the class).

        It is rendered now: raises NotSerializable for props that are not JSON, and whatever the component raises.
        Returns a handle for `update` and `delete`.
        """
        return self._post(ui, "post")

    @writes
    def post_ephemeral(self, ui: Any, *, user: str, channel: str = "") -> Posted:
        """Like `post`, for the eyes of `user` alone; `channel` is the conversation's own where it is left out.

        Platforms cannot change such a message once it is sent.
        """
        check_text(user, "user", MAX_ID_CHARACTERS)
        if channel:
            check_text(channel, "channel", MAX_ID_CHARACTERS)
        return self._post(ui, "ephemeral", user=user, channel=channel)

    @writes
    def open_modal(self, modal: Any, trigger: Click | Command | Submission) -> None:
        """Open a modal for the person who has just done `trigger`, when the turn ends, or at once (see the class).

        Its `on_submit` and `on_close` are stored as those of controls are. Platforms take a trigger for a few seconds
        only, so the turn must not be slow: later the modal is recorded as failed. Raises as `post`.
        """
        check_text(trigger.trigger_id, "the trigger_id", MAX_TRIGGER_CHARACTERS)
        bound = self._bound(modal)
        payload = {"trigger_id": trigger.trigger_id, "view": self._renderer.render_modal(bound.nodes)}
        stored = with_keys(payload, bound.controls)
        self.journal.add(lambda position: Post(position, "modal", stored, bound.controls))

    @writes
    def await_choice(
        self, card: Any, *, then: Callable[..., Any] | None = None, args: Json = None, timeout: Duration | None = None
    ) -> Posted:
        """Post a card, and let `then(thread, choice)` continue when one of its controls was used, or none in time.

        then: registered with `@bot.on_choice`. The card's Buttons that answer have a `key` and no `on_click`; the
        choice's value is theirs. args: JSON, the choice's `args`. timeout: None waits for ever (the controls still end
        with the bot's action_retention). No process waits: what is asked is a row, and the answer is another turn, in
        whichever process is alive then. Raises ValueError where no control answers, or `then` is not registered, and
        TypeError without it.
        """
        if then is None:
            raise TypeError("await_choice needs then=, a function `def decided(thread, choice)` under @bot.on_choice")
        name = self._continuation_name(then)
        request = ChoiceRequest(
            name,
            exact_json.dumps(args, "args"),
            None if timeout is None else to_microseconds(timeout, "timeout"),
        )
        bound = self._bound(card)
        if all(control.handler is not None for control in bound.controls):
            raise ValueError("a card that is to be answered needs a control with a key and without a handler")
        payload = with_keys(self._renderer.render(bound.nodes), bound.controls)
        return self.journal.add(lambda position: Post(position, "post", payload, bound.controls, choice=request))

    @writes
    def update(self, message: Posted | str, ui: Any) -> Posted:
        """Replace a message that this thread has posted, sent or not, by `ui`; return its handle.

        message: what `post` returned, its id, or `click.message`. A message that could not be sent, or is another
        thread's, cannot be changed either: the change is recorded as failed. Raises as `post`.
        """
        target = Posted.of(message)
        self._post(ui, "update", target=target)
        return target

    @writes
    def delete(self, message: Posted | str) -> None:
        """Delete a message that this thread has posted, as `update` does; one that was not sent yet never is."""
        target = Posted.of(message)
        self.journal.add(lambda position: Post(position, "delete", {}, [], target=target))

    async def aset_state(
        self, mapping: Mapping[str, Any] | None = None, /, *, expected_version: int | None = None, **patch: Any
    ) -> None:
        """Do what `set_state` does."""
        await self._in_thread(self.set_state, mapping, expected_version=expected_version, **patch)

    async def areplace_state(self, value: Any, *, expected_version: int | None = None) -> None:
        """Do what `replace_state` does."""
        await self._in_thread(self.replace_state, value, expected_version=expected_version)

    async def aupdate_state(self, change: Callable[[Any], Any], *, expected_version: int | None = None) -> None:
        """Do what `update_state` does."""
        await self._in_thread(self.update_state, change, expected_version=expected_version)

    async def aclear_state(self, *, expected_version: int | None = None) -> None:
        """Do what `clear_state` does."""
        await self._in_thread(self.clear_state, expected_version=expected_version)

    async def apost(self, ui: Any) -> Posted:
        """Do what `post` does."""
        return await self._in_thread(self.post, ui)

    async def apost_ephemeral(self, ui: Any, *, user: str, channel: str = "") -> Posted:
        """Do what `post_ephemeral` does."""
        return await self._in_thread(self.post_ephemeral, ui, user=user, channel=channel)

    async def aopen_modal(self, modal: Any, trigger: Click | Command | Submission) -> None:
        """Do what `open_modal` does."""
        await self._in_thread(self.open_modal, modal, trigger)

    async def aawait_choice(
        self,
        card: Any,
        *,
        then: Callable[..., Any] | None = None,
        args: Json = None,
        timeout: Duration | None = None,  # noqa: ASYNC109 - nothing is waited for here
    ) -> Posted:
        """Do what `await_choice` does."""
        return await self._in_thread(self.await_choice, card, then=then, args=args, timeout=timeout)

    async def aupdate(self, message: Posted | str, ui: Any) -> Posted:
        """Do what `update` does."""
        return await self._in_thread(self.update, message, ui)

    async def adelete(self, message: Posted | str) -> None:
        """Do what `delete` does."""
        await self._in_thread(self.delete, message)

    def tell(self, text: str, *, user: str, channel: str = "") -> None:
        """Say something to one person, whatever kind of turn this is: botstate's own word about a control."""
        payload = self._renderer.render([{"type": "text", "props": {"value": text}}])
        self.check_current()
        self.journal.add(lambda position: Post(position, "ephemeral", payload, [], user=user, channel=channel))

    def end(self) -> None:
        """Refuse every change from now on: what a handler left running does must not be lost in silence."""
        self._is_over = True

    def check_current(self) -> None:
        """Raise TurnSuperseded once the turn has lost its thread, or has ended."""
        if self.turn.superseded:
            raise TurnSuperseded(f"turn {self.turn.id} has lost its thread")
        if self._is_over:
            raise TurnSuperseded(f"turn {self.turn.id} has ended")

    @property
    def _state(self) -> StateBuffer:
        return self.journal.state

    async def _in_thread(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if not self.journal.does_io:
            return method(*args, **kwargs)
        return await sync_to_async(method, thread_sensitive=True)(*args, **kwargs)

    def _change(self, expected_version: int | None, change: Change) -> None:
        def checked(state: StateBuffer) -> None:
            state.check_version(expected_version)
            change(state)
            # Not before: a change that was refused must not make the later ones conditional.
            state.expect_version(expected_version)

        self.journal.change_state(checked)

    def _post(
        self, ui: Any, kind: DeliveryKind, user: str = "", channel: str = "", target: Posted | None = None
    ) -> Posted:
        bound = self._bound(ui)
        payload = with_keys(self._renderer.render(bound.nodes), bound.controls)
        return self.journal.add(
            lambda position: Post(position, kind, payload, bound.controls, user=user, channel=channel, target=target)
        )

    def _bound(self, ui: Any) -> BoundMessage:
        bound = bind_controls(ui)
        if not bound.nodes:
            raise ValueError("there is nothing in this message to post")
        for control in bound.controls:
            self._check_known(control)
        return bound

    def _check_known(self, control: Control) -> None:
        """A control of a component that the bot does not know could never be clicked after a restart."""
        if control.element is None and control.handler is not None:
            logger.warning("control %s is in no component: its handler ends with this process", control.action_id)
        if control.element and self._components.get(control.component) is not control.element.component:
            raise ActionError(f"component {control.component!r} has controls and is no component of this thread's bot")
