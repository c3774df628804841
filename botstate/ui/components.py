"""Components: named, pure functions of JSON props that return nodes."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

from botstate import exact_json
from botstate.types import Json
from botstate.ui.nodes import Node, count_node, spread


@dataclass(frozen=True, slots=True)
class Component:
    """A function that returns nodes, under the name by which posted messages remember it."""

    name: str
    function: Callable[..., Any]

    def __call__(self, *args: Any, **props: Any) -> "Element":
        """Return an element; the function runs when it is rendered. Raises TypeError for props it does not take."""
        bound = inspect.signature(self.function).bind(*args, **props)
        bound.apply_defaults()
        return Element(self, _copied(_as_props(self.function, bound)))

    def render(self, props: dict[str, Json]) -> Any:
        """Run the function with `props`, of which it gets a copy: what it does to them stays with it.

        Lists and generators in what it returns become one list. Raises TypeError where it returns something that cannot
        be shown.
        """
        return require_renderable(self.function(**_copied(props)))


@dataclass(frozen=True, slots=True)
class Element:
    """A component with its props, as they were when it was called; not rendered yet."""

    component: Component
    props: dict[str, Any]

    def render_element(self) -> Any:
        """Return what the component's function makes of the props."""
        return self.component.render(self.props)


def require_renderable(ui: Any) -> Any:
    """Return what can be shown: an element, a node, text, or a list of these in place of nested lists and generators.

    Raises TypeError for anything else, ValueError for more than 100,000 of them.
    """
    if isinstance(ui, list | tuple | GeneratorType):
        return [require_renderable(item) for item in spread(ui)]
    if isinstance(ui, Component):
        raise TypeError(f"component {ui.name} must be called with its props to be shown")
    if not (ui is None or isinstance(ui, Element | Node | str | int | float)):
        raise TypeError(f"{type(ui).__name__} cannot be shown; a node, a component's element or text can")
    return ui


def outermost_elements(ui: Any) -> Iterator[Element]:
    """Yield the components whose props are stored, in order: those that no other component contains.

    Raises ValueError for more than 100,000 nodes.
    """
    # A stack of its own, because nodes may be nested deeper than Python's.
    left, seen = [ui], 0
    while left:
        item = left.pop()
        count_node(seen := seen + 1)
        if isinstance(item, Element):
            yield item
        elif isinstance(item, Node):
            left.extend(reversed(item.props.get("children") or []))
        elif isinstance(item, list | tuple):
            left.extend(reversed(item))


def _copied(value: Any, depth: int = 0) -> Any:
    """Copy lists and dicts throughout; anything else is shared, and so is what is nested too deep to be JSON."""
    if depth > exact_json.MAX_DEPTH:
        return value
    if type(value) is dict:
        return {key: _copied(item, depth + 1) for key, item in value.items()}
    return [_copied(item, depth + 1) for item in value] if type(value) is list else value


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
