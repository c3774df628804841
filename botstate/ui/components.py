"""Components: named, pure functions of JSON props that return nodes."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

from botstate.types import Json
from botstate.ui.nodes import Node, flatten


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

        Raises TypeError where it returns something that cannot be shown.
        """
        rendered = self.function(**_copied(props))
        if isinstance(rendered, GeneratorType):
            rendered = flatten(rendered, f"the text of component {self.name}")
        require_renderable(rendered)
        return rendered


@dataclass(frozen=True, slots=True)
class Element:
    """A component with its props, as they were when it was called; not rendered yet."""

    component: Component
    props: dict[str, Any]

    def render_element(self) -> Any:
        """Return what the component's function makes of the props."""
        return self.component.render(self.props)


def require_renderable(ui: Any) -> None:
    """Raise TypeError unless `ui` is something that can be shown: an element, a node, text, or a list of these."""
    if isinstance(ui, Component):
        raise TypeError(f"component {ui.name} must be called with its props to be shown")
    if isinstance(ui, list | tuple):
        for item in ui:
            require_renderable(item)
    elif not (ui is None or isinstance(ui, Element | Node | str | int | float)):
        raise TypeError(f"{type(ui).__name__} cannot be shown; a node, a component's element or text can")


def outermost_elements(ui: Any) -> Iterator[Element]:
    """Yield the components whose props are stored: those that no other component contains."""
    if isinstance(ui, Element):
        yield ui
    elif isinstance(ui, Node):
        yield from outermost_elements(ui.props.get("children", []))
    elif isinstance(ui, list | tuple):
        for item in ui:
            yield from outermost_elements(item)


def _copied(value: Any) -> Any:
    """Copy lists and dicts throughout; anything else is shared."""
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if type(value) is list else value


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
