"""One node to its blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    ImageBlock,
    ImageElement,
    InteractiveElement,
    MarkdownBlock,
    SectionBlock,
)

from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import ELLIPSIS, shorten
from botstate.platforms.slack.render import elements, fields, tables
from botstate.platforms.slack.render.raws import payloads, raw_blocks, raw_characters
from botstate.platforms.slack.render.texts import as_text, marked_up, optional_plain, own_text, plain
from botstate.types import Json


@dataclass(slots=True)
class Surface:
    """Where the blocks go, and what it still takes of what it takes only so much of. A modal takes fields.

    raw: the blocks that came from the bot as they are.
    """

    is_modal: bool = False
    tables_left: int = limits.MAX_TABLES
    markdown_left: int = limits.MAX_MARKDOWN_CHARACTERS
    raw: list[dict[str, Json]] = field(default_factory=list)

    @classmethod
    def of_message(cls, nodes: list[Json]) -> "Surface":
        """Return what a message takes beside those of its blocks that come from the bot as they are."""
        own = list(raw_blocks(nodes))
        markdown = sum(raw_characters(block) for block in own if block.get("type") == "markdown")
        return cls(
            tables_left=limits.MAX_TABLES - sum(block.get("type") == "table" for block in own),
            markdown_left=limits.MAX_MARKDOWN_CHARACTERS - markdown,
        )


def blocks_of(node: Json, surface: Surface) -> Iterator[dict[str, Json]]:
    """Yield a node's blocks, as Slack has them. A node of an unknown type is shown as its text."""
    for block in _RENDERERS.get(node["type"], _section)(node, surface):
        yield block.to_dict() if isinstance(block, Block) else block


Blocks = Iterator[Block | dict[str, Json]]


def _message(node: Json, surface: Surface) -> Blocks:
    for child in _children(node):
        yield from blocks_of(child, surface)


def _text(node: Json, surface: Surface) -> Blocks:
    yield from _paragraph(as_text(node["props"].get("value")))


def _section(node: Json, surface: Surface) -> Blocks:
    yield from _paragraph(own_text(node) or as_text(node["props"].get("label")))
    yield from _nested(node, surface)


def _header(node: Json, surface: Surface) -> Blocks:
    text = own_text(node)
    if text.strip():
        yield HeaderBlock(text=plain(text, limits.MAX_HEADER_CHARACTERS))
    yield from _nested(node, surface)


def _markdown(node: Json, surface: Surface) -> Blocks:
    text = own_text(node)
    if surface.is_modal:
        # Slack takes no markdown block in a modal.
        yield from _paragraph(text)
    elif text.strip() and surface.markdown_left > 0:
        cut = shorten(text, surface.markdown_left)
        surface.markdown_left -= len(cut)
        yield MarkdownBlock(text=cut)
    elif text.strip():
        yield from _paragraph(ELLIPSIS)
    yield from _nested(node, surface)


def _fields(node: Json, surface: Surface) -> Blocks:
    texts = [marked_up(text, limits.MAX_FIELD_CHARACTERS) for text in map(_field_text, _children(node)) if text]
    for first in range(0, len(texts), limits.MAX_FIELDS):
        yield SectionBlock(fields=texts[first : first + limits.MAX_FIELDS])
    for child in _children(node):
        yield from _nested(child, surface) if child["type"] == "field" else _unless_text(child, surface)


def _field(node: Json, surface: Surface) -> Blocks:
    yield from _paragraph(_field_text(node))
    yield from _nested(node, surface)


def _field_text(node: Json) -> str:
    if node["type"] == "text":
        text = as_text(node["props"].get("value"))
        return text if text.strip() else ""
    if node["type"] != "field":
        return ""
    label, text = as_text(node["props"].get("label")), own_text(node)
    return "\n".join(part for part in (f"*{label}*" if label.strip() else "", text) if part.strip())


def _context(node: Json, surface: Surface) -> Blocks:
    parts: list[Any] = []
    others: list[Json] = []
    spoken = ""
    for child in [*_children(node), None]:
        if child is not None and child["type"] == "text":
            spoken += as_text(child["props"].get("value"))
            continue
        if spoken.strip():
            parts.append(marked_up(spoken, limits.MAX_CONTEXT_CHARACTERS))
        spoken = ""
        if child is not None:
            picture = _picture(child)
            (parts if picture else others).append(picture or child)
    for first in range(0, len(parts), limits.MAX_CONTEXT_ELEMENTS):
        yield ContextBlock(elements=parts[first : first + limits.MAX_CONTEXT_ELEMENTS])
    for child in others:
        yield from blocks_of(child, surface)


def _picture(node: Json) -> ImageElement | None:
    url = as_text(node["props"].get("url"))
    if node["type"] != "image" or not 1 <= len(url) <= limits.MAX_URL_CHARACTERS:
        return None
    return ImageElement(image_url=url, alt_text=_alternative(node))


def _image(node: Json, surface: Surface) -> Blocks:
    url = as_text(node["props"].get("url"))
    if not 1 <= len(url) <= limits.MAX_URL_CHARACTERS:
        yield from _paragraph(f"{_alternative(node)} {ELLIPSIS} (its address is too long)")
        return
    title = optional_plain(node["props"].get("title"), limits.MAX_IMAGE_TEXT_CHARACTERS)
    yield ImageBlock(image_url=url, alt_text=_alternative(node), title=title)


def _alternative(node: Json) -> str:
    """Return an image's alternative text, which Slack insists on."""
    text = as_text(node["props"].get("alt")) or as_text(node["props"].get("title"))
    return shorten(text, limits.MAX_IMAGE_TEXT_CHARACTERS) if text.strip() else "image"


def _divider(node: Json, surface: Surface) -> Blocks:
    yield DividerBlock()


def _table(node: Json, surface: Surface) -> Blocks:
    yield from _counted(tables.table(node, _is_text(surface)), surface)


def _chart(node: Json, surface: Surface) -> Blocks:
    yield from _counted(tables.chart(node, _is_text(surface)), surface)


def _is_text(surface: Surface) -> bool:
    return surface.is_modal or surface.tables_left < 1


def _counted(blocks: Iterator[Block], surface: Surface) -> Blocks:
    for block in blocks:
        surface.tables_left -= block.type == "table"
        yield block


def _row(node: Json, surface: Surface) -> Blocks:
    yield from _paragraph(tables.text_of_row(node))


def _actions(node: Json, surface: Surface) -> Blocks:
    yield from _rows_of_controls(_children(node), surface)


def _control(node: Json, surface: Surface) -> Blocks:
    yield from _rows_of_controls([node], surface)


def _rows_of_controls(nodes: list[Json], surface: Surface) -> Blocks:
    """Yield as many blocks as the controls need, in their order; what cannot stand in a row has a block of its own."""
    row: list[Any] = []
    for node in nodes:
        made = _elements(node)
        if made is None:
            yield from _rows(row)
            row = []
            yield from _block_of_control(node, surface)
        row.extend(made or [])
    yield from _rows(row)


def _rows(row: list[Any]) -> Blocks:
    for first in range(0, len(row), limits.MAX_ACTION_ELEMENTS):
        part = row[first : first + limits.MAX_ACTION_ELEMENTS]
        if all(isinstance(element, InteractiveElement) for element in part):
            yield ActionsBlock(elements=part)
        else:
            # slack_sdk would drop what it does not know, and an element of yours is yours.
            mixed = [each.to_dict() if isinstance(each, InteractiveElement) else each for each in part]
            yield {"type": ActionsBlock.type, "elements": mixed}


def _elements(node: Json) -> list[Any] | None:
    """Return what a node is in a row of controls; None for what needs a block of its own."""
    kind, props = node["type"], node["props"]
    if kind == "button" and len(as_text(props.get("url"))) <= limits.MAX_URL_CHARACTERS:
        return [elements.button(node)]
    if kind == "select" and props.get("options") and not props.get("multi"):
        return [elements.select(node)]
    return payloads(node) if kind == "raw" else None


def _block_of_control(node: Json, surface: Surface) -> Blocks:
    kind, props = node["type"], node["props"]
    if kind == "button":
        yield from _paragraph(f"{own_text(node)} {ELLIPSIS} (its address is too long)")
    elif kind == "input":
        yield elements.text_input(node)
    elif kind == "select" and props.get("options"):
        # Slack takes a menu of several choices beside a text, and not in a row.
        text = marked_up(as_text(props.get("placeholder")) or "Select", limits.MAX_SECTION_CHARACTERS)
        yield SectionBlock(text=text, accessory=elements.select(node))
    elif kind == "select":
        yield SectionBlock(text=elements.no_options(as_text(props.get("placeholder"))))
    else:
        yield from blocks_of(node, surface)


def _raw(node: Json, surface: Surface) -> Blocks:
    surface.raw.extend(blocks := payloads(node))
    yield from blocks


def _modal(node: Json, surface: Surface) -> Blocks:
    """Yield what can be shown of a modal in a message."""
    yield from _paragraph(as_text(node["props"].get("title")))
    yield from _nested(node, surface)


def _form_field(node: Json, surface: Surface) -> Blocks:
    if surface.is_modal:
        yield fields.field(node)
    else:
        yield from _paragraph(as_text(node["props"].get("label")))


def _paragraph(text: str) -> Blocks:
    if text.strip():
        yield SectionBlock(text=marked_up(text, limits.MAX_SECTION_CHARACTERS))


def _nested(node: Json, surface: Surface) -> Blocks:
    """Yield what stands in a node that shows only text: below it, rather than nowhere."""
    for child in _children(node):
        yield from _unless_text(child, surface)


def _unless_text(node: Json, surface: Surface) -> Blocks:
    if node["type"] != "text":
        yield from blocks_of(node, surface)


def _children(node: Json) -> list[Json]:
    children: list[Json] = node["props"].get("children") or []
    return children


_RENDERERS: dict[str, Callable[[Json, Surface], Blocks]] = {
    "message": _message,
    "text": _text,
    "section": _section,
    "header": _header,
    "markdown": _markdown,
    "fields": _fields,
    "field": _field,
    "context": _context,
    "image": _image,
    "divider": _divider,
    "table": _table,
    "row": _row,
    "chart": _chart,
    "actions": _actions,
    "button": _control,
    "select": _control,
    "input": _control,
    "raw": _raw,
    "modal": _modal,
    "modal_text_input": _form_field,
    "modal_select": _form_field,
    "modal_radio": _form_field,
}
