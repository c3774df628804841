"""From what a bot posts to a message with its controls: minted ids, and what is stored of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botstate import exact_json
from botstate.actions.minting import mint_bound_id, mint_id
from botstate.exceptions import ActionError
from botstate.types import Json
from botstate.ui.components import Element
from botstate.ui.handlers import BoundHandler, qualified_name
from botstate.ui.nodes import Handler, Node, text_of
from botstate.ui.render import render_to_ir

EVENT_PROPS = ("onClick",)
MAX_IDENTITY_CHARACTERS = 500
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a rendered message. `identity` says which one it is, apart from where it stands."""

    action_id: str
    component: str
    props: Json
    path: Path
    identity: dict[str, str]
    label: str
    once: bool
    handler: Handler
    value: Json

    @property
    def bound_args(self) -> Json:
        """The arguments that the handler was bound to, or None."""
        return self.handler.args if isinstance(self.handler, BoundHandler) else None


@dataclass(frozen=True, slots=True)
class BoundMessage:
    """A message as JSON, `{"type", "props", "key"?}` per node, in which handlers have become `{"id"}`; its controls."""

    nodes: list[Json]
    controls: list[Control]


def bind_controls(ui: Any) -> BoundMessage:
    """Render `ui` and mint an id for every control that has a handler.

    Props, values and bound arguments must be JSON: raises NotSerializable naming the component and the prop.
    Raises ActionError where two controls of one message would share an id.
    """
    component, props = (ui.component.name, ui.props) if isinstance(ui, Element) else ("", None)
    for name, prop in (props or {}).items():
        exact_json.dumps(prop, f"prop {name!r} of component {component}")
    tree = render_to_ir(ui)
    controls = list(_controls(tree, component, props))
    ids = [control.action_id for control in controls]
    if len(set(ids)) < len(ids):
        raise ActionError(f"two controls of one message share an id in component {component!r}")
    return BoundMessage(_to_json(tree, {control.path: control.action_id for control in controls}), controls)


def find_controls(ui: Any) -> Iterator[tuple[Path, Node, Handler]]:
    """Render `ui` and yield the path, node and handler of every control."""
    yield from _handlers(render_to_ir(ui), ())


def identify(node: Node, handler: Handler) -> dict[str, str]:
    """Return what tells a control from its neighbours: its key, else its kind, label and handler's name."""
    if node.key is not None:
        return {"key": node.key}
    label = text_of(node.props.get("children", []))[:MAX_IDENTITY_CHARACTERS]
    return {"kind": node.type, "label": label, "handler": qualified_name(handler)}


def _controls(tree: list[Node], component: str, props: Json) -> Iterator[Control]:
    for path, node, handler in _handlers(tree, ()):
        where = f"of the control {text_of(node.props.get('children', []))!r:.80} of component {component or 'inline'!r}"
        value = node.props.get("value")
        exact_json.dumps(value, f"the value {where}")
        if isinstance(handler, BoundHandler):
            exact_json.dumps(handler.args, f"the bound arguments {where}")
            action_id = mint_bound_id(component, path, props, handler.args)
        else:
            action_id = mint_id(component, path, props)
        yield Control(
            action_id=action_id,
            component=component,
            props=props,
            path=path,
            identity=identify(node, handler),
            label=text_of(node.props.get("children", [])),
            once=bool(node.props.get("once")),
            handler=handler,
            value=value,
        )


def _handlers(nodes: list[Node], base: Path) -> Iterator[tuple[Path, Node, Handler]]:
    for index, node in enumerate(nodes):
        path = (*base, index)
        for event in EVENT_PROPS:
            if callable(node.props.get(event)):
                yield (*path, event), node, node.props[event]
        yield from _handlers(node.props.get("children", []), (*path, "children"))


def _to_json(nodes: list[Node], ids: dict[Path, str], base: Path = ()) -> list[Json]:
    plain: list[Json] = []
    for index, node in enumerate(nodes):
        path = (*base, index)
        props = {
            name: {"id": ids[(*path, name)]} if (*path, name) in ids else prop
            for name, prop in node.props.items()
            if name != "children"
        }
        if "children" in node.props:
            props["children"] = _to_json(node.props["children"], ids, (*path, "children"))
        plain.append({"type": node.type, "props": props} | ({"key": node.key} if node.key is not None else {}))
    return plain
