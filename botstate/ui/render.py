"""From what a component returned to the intermediate representation: a list of nodes, expanded throughout."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from types import GeneratorType
from typing import Any

from botstate.ui.components import Element
from botstate.ui.nodes import Node, count_node

#: No platform shows as much, and Python's own stack is not much deeper.
MAX_DEPTH = 100
ELLIPSIS = "…"


def render_to_ir(ui: Any) -> list[Node]:
    """Return `ui` with every component expanded and every text made a text node. Pure and total.

    Unknown things vanish; of nodes nested more than 100 deep an ellipsis is left. Raises what a component raises, and
    ValueError for more than 100,000 nodes.
    """
    return _render(ui, 0, count(1))


def _render(ui: Any, depth: int, numbers: Iterator[int]) -> list[Node]:
    count_node(next(numbers))
    if isinstance(ui, bool) or ui is None:
        return []
    if isinstance(ui, str | int | float):
        return [Node("text", {"value": _as_text(ui)})]
    if not isinstance(ui, list | tuple | GeneratorType | Element | Node):
        return []
    if depth > MAX_DEPTH:
        return [Node("text", {"value": ELLIPSIS})]
    if isinstance(ui, Element):
        rendered = _render(ui.render_element(), depth + 1, numbers)
        return [replace(node, origin=(ui, place)) for place, node in enumerate(rendered)]
    if not isinstance(ui, Node):
        return [node for item in ui for node in _render(item, depth + 1, numbers)]
    if "children" not in ui.props:
        return [replace(ui, props=dict(ui.props))]
    return [replace(ui, props={**ui.props, "children": _render(ui.props["children"], depth + 1, numbers)})]


def _as_text(value: str | float) -> str:
    if isinstance(value, str):
        # str() leaves a subclass of str as it is.
        return str.__str__(value)
    try:
        return str(value)
    except ValueError:
        # Python refuses to write out integers of more than 4,300 digits.
        return ELLIPSIS
