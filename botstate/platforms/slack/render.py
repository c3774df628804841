"""From botstate's intermediate representation to Block Kit, with slack_sdk's own models. Pure."""

from collections.abc import Iterable
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from botstate import exact_json
from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import shorten
from botstate.platforms.slack.links import name_links
from botstate.types import Json


def render(nodes: list[Json]) -> dict[str, Json]:
    """Return {"text", "blocks"}: the message, and what shows in notifications.

    nodes: `{"type", "props"}` dicts. What is over Slack's limits is cut with an ellipsis, or said to be left out.
    """
    blocks = [block for node in nodes for block in _blocks(node)]
    if len(blocks) > limits.MAX_BLOCKS:
        left_out = len(blocks) - limits.MAX_BLOCKS + 1
        note = SectionBlock(text=MarkdownTextObject(text=f"{limits.ELLIPSIS} {left_out} more blocks"))
        blocks = [*blocks[: limits.MAX_BLOCKS - 1], note]
    text = " ".join(filter(None, map(_words, nodes))) or " ".join(filter(None, map(_labels, nodes)))
    rendered = [block.to_dict() for block in blocks]
    name_links(rendered)
    return {"text": shorten(text, limits.MAX_FALLBACK_CHARACTERS), "blocks": rendered}


def _blocks(node: Json) -> Iterable[Block]:
    kind, props = node["type"], node["props"]
    children = props.get("children", [])
    if kind == "message":
        for child in children:
            yield from _blocks(child)
    elif kind == "header":
        text = shorten(_text(children), limits.MAX_HEADER_CHARACTERS)
        if text:
            yield HeaderBlock(text=PlainTextObject(text=text, emoji=True))
    elif kind == "actions":
        yield from _actions(children)
    elif kind == "button":
        yield from _actions([node])
    else:
        text = props.get("value", "") if kind == "text" else _text(children)
        if text:
            yield SectionBlock(text=MarkdownTextObject(text=shorten(text, limits.MAX_SECTION_CHARACTERS)))


def _actions(nodes: list[Json]) -> Iterable[Block]:
    """Yield as many blocks as the controls need; what is no control is shown as a section."""
    elements = [_button(node) for node in nodes if node["type"] == "button"]
    for first in range(0, len(elements), limits.MAX_ACTION_ELEMENTS):
        yield ActionsBlock(elements=elements[first : first + limits.MAX_ACTION_ELEMENTS])
    for node in nodes:
        if node["type"] != "button":
            yield from _blocks(node)


def _button(node: Json) -> ButtonElement:
    props = node["props"]
    label = shorten(_text(props.get("children", [])), limits.MAX_BUTTON_LABEL_CHARACTERS)
    return ButtonElement(
        text=PlainTextObject(text=label or limits.ELLIPSIS, emoji=True),
        action_id=props["onClick"]["id"] if "onClick" in props else node.get("key"),
        value=_wire_value(props.get("value")),
        url=props.get("url"),
        style=props.get("style"),
        confirm=_confirm(props["confirm"]) if "confirm" in props else None,
    )


def _wire_value(value: Json) -> str | None:
    """Return the value as Slack carries it. A longer one stays at home: a click finds it with its control."""
    if value is None:
        return None
    text = value if isinstance(value, str) else exact_json.dumps(value)
    return text if len(text) <= limits.MAX_BUTTON_VALUE_CHARACTERS else None


def _confirm(question: str) -> ConfirmObject:
    return ConfirmObject(
        title="Are you sure?",
        text=PlainTextObject(text=shorten(question, limits.MAX_CONFIRM_CHARACTERS)),
        confirm="Yes",
        deny="Cancel",
    )


def _text(children: Iterable[Any]) -> str:
    return "".join(child["props"]["value"] for child in children if child["type"] == "text")


def _words(node: Json) -> str:
    """Return a node's words for notifications and screen readers, without its controls."""
    if node["type"] == "text":
        return str(node["props"]["value"])
    if node["type"] in ("actions", "button"):
        return ""
    between = " " if node["type"] == "message" else ""
    return between.join(filter(None, map(_words, node["props"].get("children", []))))


def _labels(node: Json) -> str:
    """Return the labels of a node's controls, for a message that says nothing else."""
    children = node["props"].get("children", [])
    return _text(children) if node["type"] == "button" else " ".join(filter(None, map(_labels, children)))
