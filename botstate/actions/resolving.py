"""From a stored control to the handler that the person was shown."""

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from cachetools import LRUCache

from botstate import exact_json
from botstate.actions.controls import Control, Path, find_controls, identify
from botstate.exceptions import ActionExpired
from botstate.models import ActionSnapshot
from botstate.ui.components import Component
from botstate.ui.handlers import can_take, unbound
from botstate.ui.nodes import Handler as BoundOrNot
from botstate.ui.nodes import Node

logger = logging.getLogger("botstate.actions")

HOT_CONTROLS = 10_000
Handler = Callable[..., Any]


class HotControls:
    """The controls that this process posted lately: they need no rendering, and no reading.

    Bounded, and never the truth: whether a control is alive and unused is asked of the database at every click.
    """

    def __init__(self, size: int = HOT_CONTROLS) -> None:
        self._controls: LRUCache[tuple[int, str], Control] = LRUCache(size)
        self._lock = Lock()

    def remember(self, delivery_id: int, control: Control) -> None:
        """Keep a control of the message of this delivery."""
        with self._lock:
            self._controls[delivery_id, control.action_id] = control

    def get(self, delivery_id: int, action_id: str) -> Control | None:
        """Return a control as it was posted, or None on a cold start."""
        with self._lock:
            return self._controls.get((delivery_id, action_id))

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        with self._lock:
            self._controls.clear()


hot_controls = HotControls()


def resolve(snapshot: ActionSnapshot, components: Mapping[str, Component]) -> Handler:
    """Return the handler that was shown, by rendering its component again with the same props.

    Raises ActionExpired when the component is gone, cannot be rendered with these props any more, or does not have
    this very control any more, or when its handler does not take the stored arguments any more. Never returns another
    control's handler.
    """
    component = components.get(snapshot.component)
    if component is None:
        raise ActionExpired(f"component {snapshot.component!r} is not known to the bot")
    try:
        controls = list(find_controls(component.render(exact_json.loads(snapshot.props))))
    except Exception as error:
        logger.warning("component %s: %s when rendered again", snapshot.component, type(error).__qualname__)
        raise ActionExpired(f"component {snapshot.component!r} no longer renders with its stored props") from error
    handler = _same_control(snapshot, controls)
    if snapshot.bound_args and not can_take(handler, exact_json.loads(snapshot.bound_args)):
        raise ActionExpired(f"the handler of {snapshot.action_id!r} no longer takes what was bound to it")
    return unbound(handler)


def _same_control(snapshot: ActionSnapshot, controls: list[tuple[Path, Node, BoundOrNot]]) -> BoundOrNot:
    identity = exact_json.loads(snapshot.control)
    path = tuple(exact_json.loads(snapshot.path))
    same = [(at, handler) for at, node, handler in controls if identify(node, handler, str(at[-1])) == identity]
    if "key" not in identity:
        same = [(at, handler) for at, handler in same if at == path]
    if len(same) != 1:
        raise ActionExpired(f"component {snapshot.component!r} no longer has the control that was shown")
    return same[0][1]
