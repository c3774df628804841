"""The nodes that a message is made of.

A node has a type, props and, in `props["children"]`, its children: nodes, components' elements, text. Prop names and
the paths that lead to a control follow CopilotKit's intermediate representation, so that ids minted there and here
are the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any

from botstate.ui.arguments import plain_text
from botstate.ui.handlers import BoundHandler

Handler = Callable[..., Any] | BoundHandler
#: Of one message, lists counted. No platform shows as many; a list that holds itself has more than any number.
MAX_NODES = 100_000


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `key` names a control within its component, whatever the layout does."""

    type: str
    props: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    #: Of a node that a component returned: the component's element, and the node's place in what it returned.
    origin: tuple[Any, int] | None = field(default=None, compare=False, repr=False)


def make_node(
    type: str, children: Iterable[Any], props: Mapping[str, Any] | None = None, key: str | None = None
) -> Node:
    """Return a node with those of `props` that are given, which are those that are not None."""
    given = {name: prop for name, prop in (props or {}).items() if prop is not None}
    return Node(type, {**given, "children": flatten(children, f"the text of {type}")}, key)


def text_of(children: Iterable[Any]) -> str:
    """Return the text of rendered children, joined."""
    return "".join(child.props["value"] for child in children if isinstance(child, Node) and child.type == "text")


def count_node(number: int) -> None:
    """Raise ValueError for the number of a node, from 1, that is one too many."""
    if number > MAX_NODES:
        raise ValueError(f"a message must not have more than {MAX_NODES:,} nodes")


def spread(items: Iterable[Any]) -> Iterator[Any]:
    """Yield what stands in lists and generators, nested as deep as they like. Raises ValueError for far too much."""
    open_lists, seen = [iter(items)], 0
    while open_lists:
        for item in open_lists[-1]:
            count_node(seen := seen + 1)
            if isinstance(item, list | tuple | GeneratorType):
                open_lists.append(iter(item))
                break
            yield item
        else:
            open_lists.pop()


def flatten(children: Iterable[Any], what: str) -> list[Any]:
    """Check the children and flatten lists and generators, which could be read only once. Texts become plain.

    what: names a text in the error where it cannot be stored.
    """
    flat: list[Any] = []
    for child in spread(children):
        if child is None or isinstance(child, bool):
            continue
        if isinstance(child, str):
            flat.append(plain_text(what, child))
        elif isinstance(child, int | float | Node) or hasattr(child, "render_element"):
            flat.append(child)
        else:
            raise TypeError(
                f"a child must be a node, text, a number, None or a list of these, not {type(child).__name__}"
            )
    return flat
