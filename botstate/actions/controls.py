"""From what a bot posts to a message with its controls: minted ids, and what is stored of each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botstate import exact_json
from botstate.actions.minting import mint_bound_id, mint_id
from botstate.exceptions import ActionError
from botstate.types import Json
from botstate.ui.components import Element, require_renderable
from botstate.ui.handlers import BoundHandler, qualified_name
from botstate.ui.nodes import Handler, Node, text_of
from botstate.ui.render import render_to_ir

EVENT_PROPS = ("onClick",)
MAX_IDENTITY_CHARACTERS = 500
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a rendered message, as it was when it was posted: props, value and arguments are JSON text.

    element: the component that it belongs to; None for a control outside any. path: from what that component returned.
    identity: which control it is, apart from where it stands. handler: None where `on_interaction` has it.
    """

    action_id: str
    element: Element | None
    props_text: str
    path: Path
    identity: dict[str, str]
    label: str
    once: bool
    handler: Handler | None
    value_text: str
    args_text: str

    @property
    def component(self) -> str:
        """The component's name, empty outside any."""
        return self.element.component.name if self.element else ""


@dataclass(frozen=True, slots=True)
class BoundMessage:
    """A message as JSON, `{"type", "props", "key"?}` per node, in which handlers have become `{"id"}`; its controls."""

    nodes: list[Json]
    controls: list[Control]


@dataclass(frozen=True, slots=True)
class _Found:
    """A control in a tree: where it stands in all of it, and in its component."""

    node: Node
    handler: Handler | None
    place: Path
    element: Element | None
    path: Path


def bind_controls(ui: Any) -> BoundMessage:
    """Render `ui` and mint an id for every control that has a handler.

    Props, values and bound arguments must be JSON: raises NotSerializable naming the component and the prop.
    Raises TypeError for what cannot be shown, and ActionError where two controls of one message share an id or a key.
    """
    require_renderable(ui)
    for element in _outermost_elements(ui):
        for name, prop in element.props.items():
            exact_json.dumps(prop, f"prop {name!r} of component {element.component.name}")
    tree = render_to_ir(ui)
    controls = {found.place: _control(found) for found in _find(tree)}
    _require_distinct([control.action_id for control in controls.values()], "id")
    _require_distinct([control.identity["key"] for control in controls.values() if "key" in control.identity], "key")
    return BoundMessage(
        _to_json(tree, {place: control.action_id for place, control in controls.items() if control.handler}),
        list(controls.values()),
    )


def find_controls(ui: Any) -> Iterator[tuple[Path, Node, Handler]]:
    """Render what a component returned and yield the path, node and handler of every control."""
    for found in _find(render_to_ir(ui)):
        if found.handler is not None:
            yield found.place, found.node, found.handler


def identify(node: Node, handler: Handler | None) -> dict[str, str]:
    """Return what tells a control from its neighbours: its key, else its kind, label and handler's name."""
    if node.key is not None or handler is None:
        return {"key": node.key or ""}
    label = text_of(node.props.get("children", []))[:MAX_IDENTITY_CHARACTERS]
    return {"kind": node.type, "label": label, "handler": qualified_name(handler)}


def _outermost_elements(ui: Any) -> Iterator[Element]:
    """Yield the components whose props are stored: those that no other component contains."""
    if isinstance(ui, Element):
        yield ui
    elif isinstance(ui, Node):
        yield from _outermost_elements(ui.props.get("children", []))
    elif isinstance(ui, list | tuple):
        for item in ui:
            yield from _outermost_elements(item)


def _find(nodes: list[Node], base: Path = (), element: Element | None = None, path_base: Path = ()) -> Iterator[_Found]:
    """Yield the controls: what has a handler, and buttons with a key, whose clicks go to `on_interaction`."""
    for index, node in enumerate(nodes):
        place, owner, path = (*base, index), element, (*path_base, index)
        if element is None and node.origin is not None:
            owner, origin_index = node.origin
            path = (origin_index,)
        handlers = [event for event in EVENT_PROPS if callable(node.props.get(event))]
        for event in handlers:
            yield _Found(node, node.props[event], (*place, event), owner, (*path, event))
        if not handlers and node.type == "button" and node.key is not None:
            yield _Found(node, None, place, owner, path)
        yield from _find(node.props.get("children", []), (*place, "children"), owner, (*path, "children"))


def _control(found: _Found) -> Control:
    node, element = found.node, found.element
    label = text_of(node.props.get("children", []))
    component = element.component.name if element else ""
    props = element.props if element else None
    where = f"of the control {label[:80]!r} of component {component or 'inline'!r}"
    args_text, action_id = "", node.key or ""
    if isinstance(found.handler, BoundHandler):
        args_text = exact_json.dumps(found.handler.args, f"the bound arguments {where}")
        action_id = mint_bound_id(component, found.path, props, found.handler.args)
    elif found.handler is not None:
        action_id = mint_id(component, found.path, props)
    return Control(
        action_id=action_id,
        element=element,
        props_text=exact_json.dumps(props),
        path=found.path,
        identity=identify(node, found.handler),
        label=label,
        once=bool(node.props.get("once")),
        handler=found.handler,
        value_text=exact_json.dumps(node.props.get("value"), f"the value {where}"),
        args_text=args_text,
    )


def _require_distinct(names: list[str], what: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ActionError(f"two controls of one message have the {what} {twice[0]!r}")


def _to_json(nodes: list[Node], ids: dict[Path, str], base: Path = ()) -> list[Json]:
    plain: list[Json] = []
    for index, node in enumerate(nodes):
        place = (*base, index)
        props = {
            name: {"id": ids[(*place, name)]} if (*place, name) in ids else prop
            for name, prop in node.props.items()
            if name != "children"
        }
        if "children" in node.props:
            props["children"] = _to_json(node.props["children"], ids, (*place, "children"))
        plain.append({"type": node.type, "props": props} | ({"key": node.key} if node.key is not None else {}))
    return plain
