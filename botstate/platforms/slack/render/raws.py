"""What a bot has put into a message in Slack's own words: it stays as it is, and leaves less to the rest."""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from botstate.types import Json

PLATFORM = "slack"


def payloads(node: Json) -> list[dict[str, Json]]:
    """Return copies of a platform's own parts, because links are named in what is rendered."""
    return copy.deepcopy(_parts(node))


def raw_blocks(nodes: Iterable[Json]) -> Iterator[dict[str, Json]]:
    """Yield the blocks that a message will have as they are. In a row of controls they are elements, and no blocks."""
    for node in nodes:
        if node["type"] == "raw":
            yield from _parts(node)
        in_row = node["type"] == "actions"
        children = node["props"].get("children") or []
        yield from raw_blocks(child for child in children if not (in_row and child["type"] == "raw"))


def raw_characters(value: Any) -> int:
    """Return how many characters are read in a block, whatever its type is: all that is in it under "text"."""
    if isinstance(value, list):
        return sum(map(raw_characters, value))
    if not isinstance(value, dict):
        return 0
    text = value.get("text")
    return (len(text) if isinstance(text, str) else 0) + sum(map(raw_characters, value.values()))


def _parts(node: Json) -> list[dict[str, Json]]:
    if node["props"].get("platform") != PLATFORM:
        return []
    payload = node["props"].get("payload")
    return [part for part in (payload if isinstance(payload, list) else [payload]) if isinstance(part, dict)]
