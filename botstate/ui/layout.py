"""What is read: messages, headers, text, fields, images."""

from typing import Any

from botstate import exact_json
from botstate.types import Json
from botstate.ui.arguments import (
    require_colour,
    require_flag,
    require_handler,
    require_optional_text,
    require_text,
    require_web_address,
)
from botstate.ui.nodes import Handler, Node, make_node


def Message(*children: Any, accent: str | None = None, on_reaction: Handler | None = None, once: bool = False) -> Node:
    """A whole message; its children are any of the nodes below, or plain text.

    accent: the colour of the bar beside it, such as "#27AE60". on_reaction: called as handler(thread, reaction) when
    somebody adds an emoji to it or takes one away. once: after one of its controls has been used, none of them does
    anything; reactions are not counted.
    """
    require_handler("on_reaction", on_reaction)
    require_flag("once", once)
    props = {"accent": require_colour("accent", accent), "onReaction": on_reaction, "once": once or None}
    return make_node("message", children, props)


def Header(*children: Any) -> Node:
    """A line of large plain text; Slack shows at most 150 characters."""
    return make_node("header", children)


def Section(*children: Any) -> Node:
    """A paragraph in the platform's own markup; Slack shows at most 3,000 characters."""
    return make_node("section", children)


def Markdown(*children: Any) -> Node:
    """Standard Markdown, which the platform itself makes into what it shows; at most 12,000 characters a message."""
    return make_node("markdown", children)


def Fields(*children: Any) -> Node:
    """Short texts side by side: `Field`s, or other text. Slack shows ten to a block, so more take more blocks."""
    return make_node("fields", children)


def Field(*children: Any, label: str | None = None) -> Node:
    """One of `Fields`: a text, below its label in bold. Slack shows at most 2,000 characters of both."""
    return make_node("field", children, {"label": require_optional_text("label", label)})


def Context(*children: Any) -> Node:
    """Small print: text and `Image`s. Slack shows ten to a block, so more take more blocks."""
    return make_node("context", children)


def Image(url: str, alt: str = "", title: str | None = None) -> Node:
    """An image, which the platform fetches from `url`. alt: what it shows, for those who cannot see it."""
    props = {"url": require_web_address("url", url), "alt": require_text("alt", alt)}
    plain_title = require_optional_text("title", title)
    return Node("image", props | ({} if plain_title is None else {"title": plain_title}))


def Divider() -> Node:
    """A line between what is above and what is below."""
    return Node("divider")


def Actions(*children: Any) -> Node:
    """Controls in a row. Slack shows 25 to a block, so more take more blocks."""
    return make_node("actions", children)


def raw(platform: str, payload: Json) -> Node:
    """A part of a message as `platform` ("slack") has it: a block, or in Actions an element, or a list of these.

    It is sent as it is, so its limits are yours to keep. Other platforms leave it out. A control in it has no handler
    of its own: `bot.on_interaction` gets it by its action_id. Raises NotSerializable for what is not JSON.
    """
    plain = require_text("platform", platform)
    return Node("raw", {"platform": plain, "payload": exact_json.loads(exact_json.dumps(payload, "payload"))})
