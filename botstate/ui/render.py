"""From what a component returned to the intermediate representation: a list of nodes, expanded throughout."""

from dataclasses import replace
from typing import Any

from botstate.ui.components import Element
from botstate.ui.nodes import Node


def render_to_ir(ui: Any) -> list[Node]:
    """Return `ui` with every component expanded and every text made a text node. Pure; unknown things vanish."""
    if isinstance(ui, bool) or ui is None:
        return []
    if isinstance(ui, str | int | float):
        return [Node("text", {"value": str(ui)})]
    if isinstance(ui, list | tuple):
        return [node for item in ui for node in render_to_ir(item)]
    if isinstance(ui, Element):
        rendered = render_to_ir(ui.render_element())
        return [replace(node, origin=(ui, place)) for place, node in enumerate(rendered)]
    if not isinstance(ui, Node):
        return []
    if "children" not in ui.props:
        return [replace(ui, props=dict(ui.props))]
    return [replace(ui, props={**ui.props, "children": render_to_ir(ui.props["children"])})]
