"""Thread: what a handler holds of its conversation."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botstate.actions.controls import Control, bind_controls
from botstate.contracts.addresses import check_text
from botstate.contracts.platforms import DeliveryKind, Platform
from botstate.exceptions import ActionError, TurnSuperseded
from botstate.runtime.heartbeat import Pulse
from botstate.threads.buffer import StateBuffer
from botstate.types import Json
from botstate.ui.components import Component

logger = logging.getLogger("botstate.runtime")

MAX_ID_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that a turn has posted. It is sent once the turn has ended well; `position` is its number within it."""

    position: int


@dataclass(frozen=True, slots=True)
class Post:
    """A post that waits for its turn's end: the platform's payload and the message's controls."""

    position: int
    kind: DeliveryKind
    payload: dict[str, Json]
    controls: list[Control]
    user: str = ""
    channel: str = ""


class TurnInfo:
    """The turn that a handler runs in. `attempt` is 1 the first time."""

    def __init__(self, turn_id: int, attempt: int, pulse: Pulse) -> None:
        self.id = turn_id
        self.attempt = attempt
        self._pulse = pulse

    @property
    def superseded(self) -> bool:
        """True once the turn is known to have lost its thread: what it still does will not be stored."""
        return self._pulse.is_lost.is_set()


class Thread:
    """One conversation, as the handler of one turn sees it.

    What a handler changes and posts is buffered, readable by itself, and stored in one transaction together with the
    turn's end, or not at all. No method does I/O, so all of them may be called in `def` and `async def` handlers.
    Every change raises TurnSuperseded once the turn has lost its thread, or has ended.
    """

    def __init__(
        self,
        *,
        key: str,
        platform_name: str,
        workspace: str,
        turn: TurnInfo,
        state: StateBuffer,
        platform: Platform,
        components: Mapping[str, Component],
    ) -> None:
        self.key = key
        self.platform = platform_name
        self.workspace = workspace
        self.turn = turn
        self.posts: list[Post] = []
        self.state_buffer = state
        self._renderer = platform
        self._components = components
        self._is_over = False

    def __repr__(self) -> str:
        return f"<Thread {self.platform} {self.key}>"

    def state(self) -> Any:
        """Return a copy of the thread's state: the bot's pydantic model, or a dict where it has none.

        Raises StateInvalid when what is stored does not fit the model any more.
        """
        return self.state_buffer.read()

    def set_state(
        self, mapping: Mapping[str, Any] | None = None, /, *, expected_version: int | None = None, **patch: Any
    ) -> None:
        """Replace top-level fields of the state; the others stay.

        Raises StateInvalid, and stores nothing, when the result does not fit the bot's model or a field is unknown;
        NotSerializable when it is not JSON; StateConflict when the state is not at `expected_version`.
        """
        self._check_current()
        self.state_buffer.expect_version(expected_version)
        self.state_buffer.patch({**(mapping or {}), **patch})

    def replace_state(self, value: Any, *, expected_version: int | None = None) -> None:
        """Replace the whole state by a model instance or mapping, whatever was stored. Raises as `set_state`."""
        self._check_current()
        self.state_buffer.expect_version(expected_version)
        self.state_buffer.replace(value)

    def update_state(self, change: Callable[[Any], Any], *, expected_version: int | None = None) -> None:
        """Replace the state by `change(state)`, called again if the stored state moves on. Raises as `set_state`."""
        self._check_current()
        self.state_buffer.expect_version(expected_version)
        self.state_buffer.update(change)

    def post(self, ui: Any) -> Posted:
        """Post a component, a node or text to the conversation, when the turn ends well.

        It is rendered now: raises NotSerializable for props that are not JSON, and whatever the component raises.
        """
        return self._post(ui, "post")

    def post_ephemeral(self, ui: Any, *, user: str, channel: str = "") -> Posted:
        """Like `post`, for the eyes of `user` alone; `channel` is the conversation's own where it is left out."""
        check_text(user, "user", MAX_ID_CHARACTERS)
        if channel:
            check_text(channel, "channel", MAX_ID_CHARACTERS)
        return self._post(ui, "ephemeral", user, channel)

    def end(self) -> None:
        """Refuse every change from now on: what a handler left running does must not be lost in silence."""
        self._is_over = True

    def _post(self, ui: Any, kind: DeliveryKind, user: str = "", channel: str = "") -> Posted:
        self._check_current()
        bound = bind_controls(ui)
        if not bound.nodes:
            raise ValueError("there is nothing in this message to post")
        for control in bound.controls:
            self._check_known(control)
        post = Post(len(self.posts), kind, self._renderer.render(bound.nodes), bound.controls, user, channel)
        self.posts.append(post)
        return Posted(post.position)

    def _check_known(self, control: Control) -> None:
        """A control of a component that the bot does not know could never be clicked after a restart."""
        if control.element is None and control.handler is not None:
            logger.warning("control %s is in no component: its handler ends with this process", control.action_id)
        if control.element and self._components.get(control.component) is not control.element.component:
            raise ActionError(f"component {control.component!r} has controls and is no component of this thread's bot")

    def _check_current(self) -> None:
        if self.turn.superseded:
            raise TurnSuperseded(f"turn {self.turn.id} has lost its thread")
        if self._is_over:
            raise TurnSuperseded(f"turn {self.turn.id} has ended")
