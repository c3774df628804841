"""From what a bot posts to a message with its controls: minted ids, and what is stored of each."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from botstate import exact_json
from botstate.actions.minting import mint_bound_id, mint_id, mint_inline_id
from botstate.exceptions import ActionError
from botstate.types import Json
from botstate.ui.components import Element, outermost_elements, require_renderable
from botstate.ui.handlers import BoundHandler, qualified_name
from botstate.ui.nodes import Handler, Node, text_of
from botstate.ui.purity import require_pure
from botstate.ui.render import render_to_ir

#: The props that hold handlers. An id is minted for each.
EVENT_PROPS = ("onClick", "onSelect", "onSubmit", "onReaction", "onClose")
REACTION = "onReaction"
#: What `on_interaction` answers where there is a key and no such handler.
KEYED_EVENTS = {"button": "onClick", "select": "onSelect", "input": "onSubmit", "modal": "onSubmit"}
#: The fields of a modal, and those that offer options, of which a message's menu may be one.
FIELDS = ("modal_text_input", "modal_select", "modal_radio")
CHOICE_FIELDS = ("modal_select", "modal_radio", "select")
MAX_IDENTITY_CHARACTERS = 500
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a rendered message, as it was when it was posted: props, value and arguments are JSON text.

    element: the component that it belongs to; None for a control outside any. path: from what that component returned.
    identity: which control it is, apart from where it stands. event: what is done with it, by the name of the node's
    prop, such as "onClick". handler: None where the bot's own handlers for its key are asked.
    value_text: of a select the list of its options' values, of a modal an object with such a list for each field that
    offers options. What Slack sends back for an option is its index in that list, as text.
    allowed_users: who alone may use it; empty for everybody. group_once: whether its message is good for one use.
    content: a digest of what a use of the control depends on, of 32 hex digits.
    """

    action_id: str
    element: Element | None
    props_text: str
    path: Path
    identity: dict[str, str]
    event: str
    label: str
    once: bool
    handler: Handler | None
    value_text: str
    args_text: str
    allowed_users: tuple[str, ...] = ()
    group_once: bool = False
    content: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", self._digest())

    @property
    def component(self) -> str:
        """The component's name, empty outside any."""
        return self.element.component.name if self.element else ""

    def _digest(self) -> str:
        parts: Json = [
            self.props_text,
            self.identity,
            self.event,
            self.value_text,
            self.args_text,
            list(self.allowed_users),
            self.once,
            self.group_once,
        ]
        return hashlib.blake2b(exact_json.dumps(parts, "control").encode("ascii"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class BoundMessage:
    """A message as JSON, `{"type", "props", "key"?}` per node, in which handlers have become `{"id"}`; its controls."""

    nodes: list[Json]
    controls: list[Control]


@dataclass(frozen=True, slots=True)
class _Found:
    """A control in a tree: where it stands in all of it, and in its component."""

    node: Node
    event: str
    handler: Handler | None
    place: Path
    element: Element | None
    path: Path
    group_once: bool


def bind_controls(ui: Any) -> BoundMessage:
    """Render `ui` and mint an id for every control that has a handler.

    Props, values and bound arguments must be JSON: raises NotSerializable naming the component and the prop.
    Two components of one message, of other props, may have the same keys; components of equal props have the same
    controls, which are returned once. Raises TypeError for what cannot be shown, and ActionError where two controls of
    one message share an id otherwise, two of one component a key, two fields of a modal a name, where a key that is an
    id holds U+0000, or, under DEBUG, where a component is not a pure function of its props.
    """
    ui = require_renderable(ui)
    for element in outermost_elements(ui):
        for name, prop in element.props.items():
            exact_json.dumps(prop, f"prop {name!r} of component {element.component.name}")
    tree = render_to_ir(ui)
    controls = {found.place: _control(found) for found in _find(tree)}
    each_once = _each_once(controls)
    _require_distinct_keys(each_once)
    if settings.DEBUG:
        require_pure(ui, tree)
    return BoundMessage(
        _to_json(tree, {place: control.action_id for place, control in controls.items() if control.handler}),
        each_once,
    )


def find_controls(ui: Any) -> Iterator[tuple[Path, Node, Handler]]:
    """Render what a component returned and yield the path, node and handler of every control."""
    for found in _find(render_to_ir(ui)):
        if found.handler is not None:
            yield found.place, found.node, found.handler


def identify(node: Node, handler: Handler | None, event: str) -> dict[str, str]:
    """Return what tells a control from its neighbours: its key, else its kind, label and handler's name.

    event: the prop that holds the handler. A modal has two, which share its key.
    """
    if node.key is not None or handler is None:
        keyed = {"key": node.key or ""}
        return {**keyed, "event": event} if event == "onClose" else keyed
    return {"kind": node.type, "label": _label(node)[:MAX_IDENTITY_CHARACTERS], "handler": qualified_name(handler)}


def _key_of(identity: dict[str, str]) -> str | None:
    return identity.get("key") if "event" not in identity else None


def _label(node: Node) -> str:
    """Return what people read on a control, or about a modal. A message that takes reactions has no label."""
    if node.type == "message":
        return ""
    named = node.props.get("placeholder") or node.props.get("title") or ""
    return text_of(node.props.get("children", [])) or str(named)


def _find(
    nodes: list[Node],
    base: Path = (),
    element: Element | None = None,
    path_base: Path = (),
    group_once: bool = False,
) -> Iterator[_Found]:
    """Yield the controls: what has a handler, and what has a key instead, whose use goes to `on_interaction`."""
    for index, node in enumerate(nodes):
        place, owner, path = (*base, index), element, (*path_base, index)
        if element is None and node.origin is not None:
            owner, origin_index = node.origin
            path = (origin_index,)
        is_group = group_once or (node.type == "message" and bool(node.props.get("once")))
        for event in EVENT_PROPS:
            handler = node.props.get(event)
            if callable(handler):
                # Anybody may react to a message as often as they like.
                one_of = is_group and event != REACTION
                yield _Found(node, event, handler, (*place, event), owner, (*path, event), one_of)
        keyed = KEYED_EVENTS.get(node.type)
        if keyed and node.key is not None and not callable(node.props.get(keyed)):
            yield _Found(node, keyed, None, place, owner, path, is_group)
        yield from _find(node.props.get("children", []), (*place, "children"), owner, (*path, "children"), is_group)


def _control(found: _Found) -> Control:
    node, element = found.node, found.element
    label = _label(node)
    component = element.component.name if element else ""
    props = element.props if element else None
    if found.handler is None and "\x00" in (node.key or ""):
        raise ActionError(f"the key {node.key!r:.80} of a control without a handler holds U+0000, which no id can")
    where = f"of the control {label[:80]!r} of component {component or 'inline'!r}"
    identity = identify(node, found.handler, found.event)
    value_text = exact_json.dumps(_value(node), f"the value {where}")
    args_text, action_id = "", node.key or ""
    if isinstance(found.handler, BoundHandler):
        args_text = exact_json.dumps(found.handler.args, f"the bound arguments {where}")
    if found.handler is not None and element is None:
        # Its key alone would not tell it from another, because it is never found again by its key.
        whole: Json = [identity, qualified_name(found.handler), found.event, value_text, args_text]
        action_id = mint_inline_id(found.path, whole)
    elif isinstance(found.handler, BoundHandler):
        action_id = mint_bound_id(component, found.path, props, found.handler.args)
    elif found.handler is not None:
        action_id = mint_id(component, found.path, props)
    return Control(
        action_id=action_id,
        element=element,
        props_text=exact_json.dumps(props),
        path=found.path,
        identity=identity,
        event=found.event,
        label=label,
        once=node.type != "message" and bool(node.props.get("once")),
        handler=found.handler,
        value_text=value_text,
        args_text=args_text,
        allowed_users=tuple(node.props.get("allowedUsers") or ()),
        group_once=found.group_once,
    )


def _value(node: Node) -> Json:
    if node.type == "select":
        return _option_values(node)
    if node.type != "modal":
        return node.props.get("value")
    fields = list(_fields(node.props.get("children", [])))
    _require_distinct([name for name, _ in fields], "field name")
    return {name: _option_values(field) for name, field in fields if field.type in CHOICE_FIELDS} or None


def _fields(nodes: list[Node]) -> Iterator[tuple[str, Node]]:
    """Yield what a submission has a value of, by its name there."""
    for node in nodes:
        if node.type in FIELDS:
            yield str(node.props.get("id")), node
        elif node.type == "select" and node.key is not None and not callable(node.props.get("onSelect")):
            yield node.key, node
        yield from _fields(node.props.get("children", []))


def _option_values(node: Node) -> list[Json] | None:
    """Return the values as they are posted, in the order that Slack's indexes refer to; None without options."""
    return [option["value"] for option in node.props.get("options") or ()] or None


def _each_once(placed: dict[Path, Control]) -> list[Control]:
    """Return the controls, and one for those that components of equal props have in common.

    Raises ActionError where two of one id are not the same, or stand in one row, which no platform takes.
    """
    each: dict[str, Control] = {}
    rows: set[tuple[str, Path]] = set()
    for place, control in placed.items():
        first = each.setdefault(control.action_id, control)
        row = (control.action_id, place[:-2])
        is_beside = row in rows and control.event != REACTION
        if first is not control and (is_beside or not _is_same(first, control)):
            raise ActionError(f"two controls of one message have the id {control.action_id!r:.80}")
        rows.add(row)
    return list(each.values())


def _is_same(one: Control, other: Control) -> bool:
    """True for the same control of two components of equal props; a control that is known by its key has no other."""
    if one.handler is None or other.handler is None:
        return False
    return (one.component, one.path, one.content) == (other.component, other.path, other.content)


def _require_distinct_keys(controls: list[Control]) -> None:
    """Raise ActionError where two controls of one component, or two outside any, have the same key."""
    keys = [(control.component, control.props_text, key) for control in controls if (key := _key_of(control.identity))]
    twice = [key for (_, _, key), times in Counter(keys).items() if times > 1]
    if twice:
        raise ActionError(f"two controls of one component, or of one message, have the key {twice[0]!r}")


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
