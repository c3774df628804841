"""The texts of nodes, and Slack's objects for them."""

from collections.abc import Iterable
from typing import Any

from slack_sdk.models.blocks import MarkdownTextObject, PlainTextObject

from botstate.platforms.slack.limits import ELLIPSIS, shorten
from botstate.types import Json

CONTROLS = ("button", "select", "input")
#: Their texts do not run on.
APART = ("message", "fields", "row")


def own_text(node: Json) -> str:
    """Return the text that stands directly in a node."""
    return "".join(as_text(child["props"].get("value")) for child in _children(node) if child["type"] == "text")


def as_text(value: Any) -> str:
    """Return a prop that should be text, as a plain str; nothing for one that is missing."""
    if isinstance(value, str):
        return str.__str__(value)
    return "" if value is None else str(value)


def plain(text: str, longest: int) -> PlainTextObject:
    """Return a plain text that is never empty, which Slack refuses."""
    return PlainTextObject(text=shorten(text, longest) if text.strip() else ELLIPSIS, emoji=True)


def optional_plain(text: Any, longest: int) -> PlainTextObject | None:
    """Return a plain text, or None for nothing."""
    return plain(as_text(text), longest) if as_text(text).strip() else None


def marked_up(text: str, longest: int) -> MarkdownTextObject:
    """Return a text in Slack's own markup, never empty."""
    return MarkdownTextObject(text=shorten(text, longest) if text.strip() else ELLIPSIS)


def words(nodes: Iterable[Json]) -> str:
    """Return the words of nodes for notifications and screen readers, without controls unless there is nothing else."""
    listed = list(nodes)
    for read in (_words, _labels):
        spoken = " ".join(filter(None, map(read, listed)))
        if spoken.strip():
            return spoken
    return ELLIPSIS


def _words(node: Json) -> str:
    kind, props = node["type"], node["props"]
    if kind == "text":
        return as_text(props.get("value"))
    if kind in CONTROLS or kind == "actions":
        return ""
    children = _children(node)
    if kind in APART or any(child["type"] != "text" for child in children):
        spoken = " ".join(filter(None, (_words(child).strip() for child in children)))
    else:
        spoken = own_text(node)
    columns = (as_text(column.get("header")) for column in props.get("columns") or [])
    named = (as_text(props.get(name)) for name in ("title", "label", "alt"))
    return " ".join(filter(None, [*named, *columns, *map(as_text, props.get("labels") or []), spoken]))


def _labels(node: Json) -> str:
    if node["type"] in CONTROLS:
        return own_text(node) or as_text(node["props"].get("placeholder"))
    return " ".join(filter(None, map(_labels, _children(node))))


def _children(node: Json) -> list[Json]:
    children: list[Json] = node["props"].get("children") or []
    return children
