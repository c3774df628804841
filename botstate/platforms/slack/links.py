"""Elements whose use needs no answer: buttons that only open a URL, and what has neither a handler nor a key."""

from collections.abc import Iterator
from typing import Any

from botstate.types import Json

PREFIX = "link:"
#: What Slack reports the use of.
INTERACTIVE = ("button", "static_select", "multi_static_select", "plain_text_input")


def name_links(blocks: list[dict[str, Json]]) -> None:
    """Give what nothing else has named an id of ours, instead of one of Slack's, which `is_link` knows."""
    unnamed = [
        element for element in _elements(blocks) if element.get("type") in INTERACTIVE and "action_id" not in element
    ]
    for number, element in enumerate(unnamed):
        element["action_id"] = f"{PREFIX}{number}"


def is_link(action: dict[str, Any], message: dict[str, Any]) -> bool:
    """True for a click on a button of `message` that opens a URL, and for the use of what nobody listens to."""
    if action["action_id"].startswith(PREFIX) or "url" in action:
        return True
    attachments = message.get("attachments")
    coloured = [part.get("blocks") for part in _dicts(attachments)]
    return any(
        "url" in element and element.get("action_id") == action["action_id"]
        for blocks in (message.get("blocks"), *coloured)
        for element in _elements(blocks)
    )


def _elements(blocks: Any) -> Iterator[dict[str, Any]]:
    """Yield the elements of whatever may be a list of blocks."""
    for block in _dicts(blocks):
        yield from _dicts(block.get("elements"))
        yield from _dicts([block.get("accessory"), block.get("element")])


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    for value in values if isinstance(values, list) else []:
        if isinstance(value, dict):
            yield value
