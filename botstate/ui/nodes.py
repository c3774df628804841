"""The nodes that a message is made of.

A node has a type, props and, in `props["children"]`, its children: nodes, components' elements, text. Prop names and
the paths that lead to a control follow CopilotKit's intermediate representation, so that ids minted there and here
are the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any, Literal

from botstate.types import Json
from botstate.ui.handlers import BoundHandler

Handler = Callable[..., Any] | BoundHandler
MAX_KEY_CHARACTERS = 200
ButtonStyle = Literal["primary", "danger"]


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `key` names a control within its message, whatever the layout does."""

    type: str
    props: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    #: Of a node that a component returned: the component's element, and the node's place in what it returned.
    origin: tuple[Any, int] | None = field(default=None, compare=False, repr=False)


def Message(*children: Any) -> Node:
    """A whole message: headers, sections, actions, or plain text."""
    return Node("message", {"children": _flat(children)})


def Header(*children: Any) -> Node:
    """A line of large plain text; Slack shows at most 150 characters."""
    return Node("header", {"children": _flat(children)})


def Section(*children: Any) -> Node:
    """A paragraph in the platform's markup; Slack shows at most 3,000 characters."""
    return Node("section", {"children": _flat(children)})


def Actions(*children: Any) -> Node:
    """A row of controls; Slack shows at most 25."""
    return Node("actions", {"children": _flat(children)})


def Button(
    *children: Any,
    on_click: Handler | None = None,
    value: Json = None,
    url: str | None = None,
    style: ButtonStyle | None = None,
    key: str | None = None,
    once: bool = False,
    confirm: str | None = None,
) -> Node:
    """A button; its children are its label.

    on_click: called as handler(thread, click). value: JSON, the click's `value`. key: names the control, so that it
    survives a changed layout; without an on_click it is the id that `bot.on_interaction` gets. once: only the first
    click of a posted message counts. confirm: a question to ask first.
    """
    if on_click is not None and not callable(on_click):
        raise TypeError(f"on_click must be callable, not {type(on_click).__name__}")
    if style not in (None, "primary", "danger"):
        raise ValueError(f"style must be 'primary' or 'danger', not {style!r}")
    if key is not None and not (isinstance(key, str) and 1 <= len(key) <= MAX_KEY_CHARACTERS):
        raise ValueError(f"key must be a str of 1 to {MAX_KEY_CHARACTERS} characters")
    given = {"onClick": on_click, "value": value, "url": url, "style": style, "confirm": confirm, "once": once or None}
    props = {name: prop for name, prop in given.items() if prop is not None}
    return Node("button", {**props, "children": _flat(children)}, key)


def text_of(children: Iterable[Any]) -> str:
    """Return the text of rendered children, joined."""
    return "".join(child.props["value"] for child in children if isinstance(child, Node) and child.type == "text")


def _flat(children: Iterable[Any]) -> list[Any]:
    """Check the children and flatten lists and generators, which could be read only once."""
    flat: list[Any] = []
    for child in children:
        if child is None or isinstance(child, bool):
            continue
        if isinstance(child, list | tuple | GeneratorType):
            flat.extend(_flat(child))
        elif isinstance(child, str | int | float | Node) or hasattr(child, "render_element"):
            flat.append(child)
        else:
            raise TypeError(
                f"a child must be a node, text, a number, None or a list of these, not {type(child).__name__}"
            )
    return flat
