"""What Slack takes, written down a second time: a message or a modal is checked against it."""

from collections.abc import Iterator
from typing import Any

BLOCKS = {"section", "header", "markdown", "divider", "image", "context", "actions", "input", "table"}
ELEMENTS = {"button", "static_select", "multi_static_select", "plain_text_input", "radio_buttons"}


def problems_of_message(message: dict[str, Any]) -> list[str]:
    """Return what Slack would refuse."""
    found: list[str] = []
    attachments = message.get("attachments", [])
    blocks = message["blocks"] if "blocks" in message else attachments[0]["blocks"]
    if not (message["text"] or attachments[0]["fallback"]).strip():
        found.append("no text")
    if len(blocks) > 50:
        found.append(f"{len(blocks)} blocks")
    if sum(block["type"] == "table" for block in blocks) > 1:
        found.append("two tables")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > 12_000:
        found.append("too much markdown")
    if sum(len(text) for block in blocks for text in _read(block)) > 12_000:
        found.append("too much text")
    return [*found, *_problems(blocks)]


def problems_of_view(view: dict[str, Any]) -> list[str]:
    """Return what Slack would refuse."""
    found = [] if view["type"] == "modal" else ["no modal"]
    if not 1 <= len(view["blocks"]) <= 100:
        found.append(f"{len(view['blocks'])} blocks")
    if any(block["type"] in ("markdown", "table") for block in view["blocks"]):
        found.append("a block that modals do not take")
    if any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
        found.append("nothing to submit with")
    names = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    if len(set(names)) != len(names):
        found.append("two block_ids")
    for name in ("title", "submit", "close"):
        if name in view or name == "title":
            found += _text(view[name], 24, name)
    found += [] if len(view.get("callback_id", "")) <= 255 else ["callback_id"]
    return [*found, *_problems(view["blocks"])]


def _problems(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for place, block in enumerate(blocks):
        if block["type"] not in BLOCKS:
            yield f"{place}: no block: {block['type']}"
        else:
            yield from (f"{place} {block['type']}: {problem}" for problem in _CHECKS[block["type"]](block))


def _section(block: dict[str, Any]) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield "neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], 3_000, "text")
    if len(block.get("fields", [])) > 10:
        yield "fields"
    for field in block.get("fields", []):
        yield from _text(field, 2_000, "field")
    if "accessory" in block:
        yield from _element(block["accessory"])


def _header(block: dict[str, Any]) -> Iterator[str]:
    yield from _text(block["text"], 150, "text")


def _markdown(block: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["text"]) <= 12_000:
        yield "text"


def _divider(block: dict[str, Any]) -> Iterator[str]:
    yield from ()


def _image(block: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["image_url"]) <= 3_000:
        yield "image_url"
    if not 1 <= len(block["alt_text"]) <= 2_000:
        yield "alt_text"
    if "title" in block:
        yield from _text(block["title"], 2_000, "title")


def _context(block: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 10:
        yield "elements"
    for element in block["elements"]:
        yield from _image(element) if element["type"] == "image" else _text(element, 3_000, "element")


def _actions(block: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 25:
        yield "elements"
    for element in block["elements"]:
        if element["type"] not in ("button", "static_select"):
            yield f"{element['type']} in a row"
        yield from _element(element)


def _input(block: dict[str, Any]) -> Iterator[str]:
    yield from _text(block["label"], 2_000, "label")
    yield from _element(block["element"])
    if not len(block.get("block_id", "")) <= 255:
        yield "block_id"


def _table(block: dict[str, Any]) -> Iterator[str]:
    rows = block["rows"]
    if not 1 <= len(rows) <= 100:
        yield f"{len(rows)} rows"
    if not 1 <= len(rows[0]) <= 20 or any(len(row) != len(rows[0]) for row in rows):
        yield "columns"
    if len(block.get("column_settings", [])) > 20:
        yield "column_settings"
    if any(cell["type"] != "raw_text" or not cell["text"] for row in rows for cell in row):
        yield "cell"
    if sum(len(cell["text"]) for row in rows for cell in row) > 10_000:
        yield "too much text"


_CHECKS = {
    "section": _section,
    "header": _header,
    "markdown": _markdown,
    "divider": _divider,
    "image": _image,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "table": _table,
}


def _element(element: dict[str, Any]) -> Iterator[str]:
    kind = element["type"]
    if kind not in ELEMENTS:
        yield f"no element: {kind}"
    if not 1 <= len(element.get("action_id", "")) <= 255:
        yield "action_id"
    if "placeholder" in element:
        yield from _text(element["placeholder"], 150, "placeholder")
    if kind == "button":
        yield from _button(element)
    elif kind == "plain_text_input":
        if len(element.get("initial_value", "")) > 3_000 or not 1 <= element.get("max_length", 1) <= 3_000:
            yield "initial_value or max_length"
    else:
        yield from _choice(element)


def _button(element: dict[str, Any]) -> Iterator[str]:
    yield from _text(element["text"], 75, "label")
    if len(element.get("value", "")) > 2_000:
        yield "value"
    if len(element.get("url", "")) > 3_000:
        yield "url"
    if element.get("style", "primary") not in ("primary", "danger"):
        yield "style"
    if "confirm" in element:
        yield from _text(element["confirm"]["text"], 300, "confirm")


def _choice(element: dict[str, Any]) -> Iterator[str]:
    groups = element.get("option_groups", [])
    if ("options" in element) == bool(groups):
        yield "not either options or groups"
    if len(groups) > 100:
        yield "groups"
    for group in groups:
        yield from _text(group["label"], 75, "group")
    listed = [element["options"]] if "options" in element else [group["options"] for group in groups]
    if any(not 1 <= len(part) <= (10 if element["type"] == "radio_buttons" else 100) for part in listed):
        yield "number of options"
    options = [option for part in listed for option in part]
    for option in options:
        yield from _text(option["text"], 75, "option")
        if not 1 <= len(option["value"]) <= 150:
            yield "option's value"
    initial = element.get("initial_options", [])
    if any(option not in options for option in [*initial, element.get("initial_option", options[0])]):
        yield "initial option"


def _text(text: dict[str, Any], longest: int, name: str) -> list[str]:
    if text["type"] not in ("plain_text", "mrkdwn"):
        return [f"{name} is no text"]
    return [] if text["text"].strip() and len(text["text"]) <= longest else [f"{name}: {len(text['text'])} characters"]


def _read(block: dict[str, Any]) -> Iterator[str]:
    """Yield the texts that count as the message's length."""
    yield from (text["text"] for text in block.get("fields", []))
    yield from (cell["text"] for row in block.get("rows", []) for cell in row)
    if block["type"] == "context":
        yield from (element["text"] for element in block["elements"] if "text" in element)
    for name in ("text", "label", "title"):
        if name in block:
            yield block[name] if isinstance(block[name], str) else block[name]["text"]
