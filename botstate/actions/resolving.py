"""From a stored control to the handler that the person was shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import LRUCache

from botstate import exact_json
from botstate.actions.controls import Control, Path, find_controls, identify
from botstate.exceptions import ActionExpired
from botstate.models import ActionSnapshot
from botstate.types import Json
from botstate.ui.components import Component
from botstate.ui.handlers import unbound
from botstate.ui.nodes import Handler, Node

HOT_CONTROLS = 10_000


@dataclass(frozen=True, slots=True)
class Resolved:
    """A handler with what it was shown with."""

    handler: Callable[..., Any]
    value: Json
    args: Json


class HotControls:
    """The controls that this process posted lately: their handlers need no rendering.

    Bounded, and never the truth: whether a control is alive and unused is asked of the database at every click.
    """

    def __init__(self, size: int = HOT_CONTROLS) -> None:
        self._resolved: LRUCache[tuple[int, str], Resolved] = LRUCache(size)
        self._lock = Lock()

    def remember(self, delivery_id: int, control: Control) -> None:
        """Keep a posted control's handler."""
        resolved = Resolved(unbound(control.handler), control.value, control.bound_args)
        with self._lock:
            self._resolved[delivery_id, control.action_id] = resolved

    def get(self, snapshot: ActionSnapshot) -> Resolved | None:
        """Return the handler of a snapshot, or None on a cold start."""
        with self._lock:
            return self._resolved.get((snapshot.delivery_id, snapshot.action_id))

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        with self._lock:
            self._resolved.clear()


hot_controls = HotControls()


def resolve(snapshot: ActionSnapshot, components: Mapping[str, Component]) -> Resolved:
    """Return the handler that was shown, from the hot cache or by rendering its component again with the same props.

    Raises ActionExpired when the component is gone, cannot be rendered with these props any more, or does not have
    this very control any more. Never returns another control's handler.
    """
    return hot_controls.get(snapshot) or _resolve_cold(snapshot, components)


def _resolve_cold(snapshot: ActionSnapshot, components: Mapping[str, Component]) -> Resolved:
    component = components.get(snapshot.component)
    if component is None:
        raise ActionExpired(f"component {snapshot.component!r} is not known to the bot")
    props = exact_json.loads(snapshot.props)
    try:
        controls = list(find_controls(component.render(props)))
    except Exception as error:
        raise ActionExpired(f"component {snapshot.component!r} no longer renders with its stored props") from error
    args = exact_json.loads(snapshot.bound_args) if snapshot.bound_args else None
    return Resolved(unbound(_same_control(snapshot, controls)), exact_json.loads(snapshot.value), args)


def _same_control(snapshot: ActionSnapshot, controls: list[tuple[Path, Node, Handler]]) -> Handler:
    identity = exact_json.loads(snapshot.control)
    path = tuple(exact_json.loads(snapshot.path))
    same = [(at, handler) for at, node, handler in controls if identify(node, handler) == identity]
    if "key" not in identity:
        same = [(at, handler) for at, handler in same if at == path]
    if len(same) != 1:
        raise ActionExpired(f"component {snapshot.component!r} no longer has the control that was shown")
    return same[0][1]
