"""Components: named, pure functions of JSON props that return nodes."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botstate.types import Json


@dataclass(frozen=True, slots=True)
class Component:
    """A function that returns nodes, under the name by which posted messages remember it."""

    name: str
    function: Callable[..., Any]

    def __call__(self, *args: Any, **props: Any) -> "Element":
        """Return an element; the function runs when it is rendered. Raises TypeError for props it does not take."""
        bound = inspect.signature(self.function).bind(*args, **props)
        bound.apply_defaults()
        return Element(self, _as_props(self.function, bound))

    def render(self, props: dict[str, Json]) -> Any:
        """Run the function with stored props."""
        return self.function(**props)


@dataclass(frozen=True, slots=True)
class Element:
    """A component with its props, not rendered yet."""

    component: Component
    props: dict[str, Any]

    def render_element(self) -> Any:
        """Return what the component's function makes of the props."""
        return self.component.render(self.props)


def _as_props(function: Callable[..., Any], bound: inspect.BoundArguments) -> dict[str, Any]:
    """Return the arguments by name. Raises TypeError for a function with parameters that have no name of their own."""
    props: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            props.update(value)
        elif kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY):
            raise TypeError(f"component {function.__name__} must take its props by name, not {name!r} by position")
        else:
            props[name] = value
    return props
