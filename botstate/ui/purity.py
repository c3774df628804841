"""Whether components are pure functions of their props, as they must be to be rendered again after a restart."""

from typing import Any

from botstate.exceptions import ActionError
from botstate.ui.components import Element, outermost_elements
from botstate.ui.handlers import BoundHandler, qualified_name
from botstate.ui.nodes import Node
from botstate.ui.render import render_to_ir


def require_pure(ui: Any, shown: list[Node]) -> None:
    """Render `ui` once more and compare it with `shown`, what was made of it to be posted; handlers by their names.

    Raises ActionError naming the component that made two different things of the same props; of one that cannot be
    made to do it again, those that it may be.
    """
    elements = list(outermost_elements(ui))
    if not elements or _same_nodes(shown, render_to_ir(ui)):
        return
    impure = next(filter(None, map(_impure_component, elements)), None)
    names = [impure] if impure else dict.fromkeys(element.component.name for element in elements)
    raise ActionError(
        f"component {' or '.join(map(repr, names))} is not a pure function of its props: rendered twice, it differs, so"
        " that a click could not find its control again after a restart"
    )


def _impure_component(element: Element) -> str | None:
    """Return the name of the innermost component that differs."""
    if _same_nodes(render_to_ir(element), render_to_ir(element)):
        return None
    inner = map(_impure_component, outermost_elements(element.render_element()))
    return next(filter(None, inner), element.component.name)


def _same_nodes(first: list[Node], second: list[Node]) -> bool:
    return len(first) == len(second) and all(map(_same_node, first, second))


def _same_node(first: Node, second: Node) -> bool:
    if (first.type, first.key, first.props.keys()) != (second.type, second.key, second.props.keys()):
        return False
    return all(
        _same_nodes(prop, second.props[name]) if name == "children" else _same_prop(prop, second.props[name])
        for name, prop in first.props.items()
    )


def _same_prop(first: Any, second: Any) -> bool:
    if not callable(first) or not callable(second):
        return bool(first == second)
    return qualified_name(first) == qualified_name(second) and _bound_args(first) == _bound_args(second)


def _bound_args(handler: Any) -> Any:
    return handler.args if isinstance(handler, BoundHandler) else None
