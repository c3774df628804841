"""Buttons that only open a URL: Slack reports their use as a click, which needs no answer."""

from collections.abc import Iterator
from typing import Any

from botstate.types import Json

PREFIX = "link:"


def name_links(blocks: list[dict[str, Json]]) -> None:
    """Give the buttons that nothing else has named an id of ours, instead of one of Slack's, which `is_link` knows."""
    buttons = [element for element in _elements(blocks) if element.get("type") == "button"]
    for number, button in enumerate(button for button in buttons if "action_id" not in button):
        button["action_id"] = f"{PREFIX}{number}"


def is_link(action: dict[str, Any], message: dict[str, Any]) -> bool:
    """True for a click on a button of `message` that opens a URL."""
    if action["action_id"].startswith(PREFIX) or "url" in action:
        return True
    return any(
        "url" in element
        for element in _elements(message.get("blocks"))
        if element.get("action_id") == action["action_id"]
    )


def _elements(blocks: Any) -> Iterator[dict[str, Any]]:
    """Yield the elements of whatever may be a list of blocks."""
    for block in blocks if isinstance(blocks, list) else []:
        elements = block.get("elements") if isinstance(block, dict) else None
        for element in elements if isinstance(elements, list) else []:
            if isinstance(element, dict):
                yield element
