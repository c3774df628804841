"""A whole message."""

from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import shorten
from botstate.platforms.slack.links import name_links
from botstate.platforms.slack.render.blocks import Surface, blocks_of
from botstate.platforms.slack.render.lengths import leave_out, shorten_texts
from botstate.platforms.slack.render.texts import words
from botstate.types import Json


def render(nodes: list[Json]) -> dict[str, Json]:
    """Return {"text", "blocks"}: the message, and what shows in notifications.

    nodes: `{"type", "props", "key"?}` dicts. With an accent it is {"text", "attachments"} instead, because Slack has
    colours only there; the text is the attachment's fallback then, as it would be shown a second time.
    """
    surface = Surface.of_message(nodes)
    blocks = leave_out([block for node in nodes for block in blocks_of(node, surface)], limits.MAX_BLOCKS)
    shorten_texts(blocks, surface.raw)
    name_links(blocks)
    text = shorten(words(nodes), limits.MAX_FALLBACK_CHARACTERS)
    accent = next((node["props"]["accent"] for node in nodes if node["props"].get("accent")), None)
    if accent is None or not blocks:
        return {"text": text, "blocks": blocks}
    return {"text": "", "attachments": [{"color": accent, "fallback": text, "blocks": blocks}]}
