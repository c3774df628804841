"""A message's length as a whole, and how it is kept."""

from collections.abc import Iterator
from typing import Any

from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import shorten
from botstate.platforms.slack.render.raws import raw_characters
from botstate.types import Json


def leave_out(blocks: list[dict[str, Json]], most: int) -> list[dict[str, Json]]:
    """Return at most `most` blocks, of which the last says how many more there are."""
    if len(blocks) <= most:
        return blocks
    left_out = f"{limits.ELLIPSIS} {len(blocks) - most + 1} more blocks"
    return [*blocks[: most - 1], {"type": "section", "text": {"type": "mrkdwn", "text": left_out}}]


def shorten_texts(blocks: list[dict[str, Json]], untouched: list[dict[str, Json]]) -> None:
    """Cut the texts of a message that is too long as a whole, the last ones first. Controls stay as they are.

    untouched: those of the blocks that are counted and not cut.
    """
    ours = [block for block in blocks if not any(block is other for other in untouched)]
    texts = [text for block in ours for text in _texts(block)]
    most = limits.MAX_MESSAGE_CHARACTERS - limits.BLOCK_CHARACTERS * max(len(blocks) - 1, 0)
    theirs = sum(raw_characters(block) for block in blocks if any(block is other for other in untouched))
    excess = theirs + sum(len(text["text"]) for text in texts) - most
    for text in reversed(texts):
        if excess <= 0:
            return
        length = len(text["text"])
        text["text"] = shorten(text["text"], max(1, length - excess))
        excess -= length - len(text["text"])


def _texts(block: dict[str, Json]) -> Iterator[dict[str, Any]]:
    """Yield the objects that hold what is read in a block, in order."""
    if block["type"] == "markdown":
        yield block
    for name in ("text", "title", "label"):
        if isinstance(block.get(name), dict):
            yield block[name]
    yield from block.get("fields", ())
    if block["type"] == "context":
        yield from (element for element in block["elements"] if "text" in element)
    for row in block.get("rows", ()):
        yield from row
