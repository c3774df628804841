"""Tables, and charts as tables. Where Slack takes no table, or no further one, they are text."""

from collections.abc import Iterator

from slack_sdk.models.blocks import Block, SectionBlock, TableBlock
from slack_sdk.models.blocks.basic_components import RawTextObject, TableBlockColumnSettings

from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import ELLIPSIS, shorten
from botstate.platforms.slack.render.texts import as_text, marked_up, own_text
from botstate.types import Json

#: Slack refuses an empty cell.
EMPTY_CELL = " "
#: How long cells may be, tried one after the other until the table as a whole is short enough; the last always is.
CELL_CHARACTERS = (limits.MAX_CELL_CHARACTERS, 1_000, 500, 200, 100, 50, 20, 10, 5)
_FENCE = "```"
_NO_FENCE = "'''"

Grid = list[list[str]]


def table(node: Json, is_text: bool) -> Iterator[Block]:
    """Yield the block of a table, if there is anything in it."""
    columns = node["props"].get("columns") or []
    rows = [_cells(child) for child in node["props"].get("children") or []]
    header = [[as_text(column["header"]) for column in columns]] if columns else []
    yield from _blocks(header + rows, [as_text(column["align"]) for column in columns], is_text)


def chart(node: Json, is_text: bool) -> Iterator[Block]:
    """Yield a chart's title, and its numbers as a table with a row per label and a column per series."""
    props = node["props"]
    if as_text(props.get("title")).strip():
        yield SectionBlock(text=marked_up(f"*{props['title']}*", limits.MAX_SECTION_CHARACTERS))
    series = props.get("series") or []
    rows = [
        [label, *(as_text(line["values"][index]) for line in series)]
        for index, label in enumerate(props.get("labels") or [])
    ]
    header = ["", *(as_text(line["name"]) for line in series)]
    if rows:
        yield from _blocks([header, *rows], ["left"] + ["right"] * len(series), is_text)


def _cells(node: Json) -> list[str]:
    if node["type"] != "row":
        return [_deep_text(node)]
    return [_deep_text(child) for child in node["props"].get("children") or []]


def _deep_text(node: Json) -> str:
    if node["type"] == "text":
        return as_text(node["props"].get("value"))
    return "".join(map(_deep_text, node["props"].get("children") or []))


def _blocks(grid: Grid, aligned: list[str], is_text: bool) -> Iterator[Block]:
    width = max(map(len, grid), default=0)
    if width == 0:
        return
    if is_text:
        yield SectionBlock(text=marked_up(_as_text(grid), limits.MAX_SECTION_CHARACTERS))
        return
    cut = _cut_characters(_cut_rows(_cut_columns(grid, width)))
    settings = [TableBlockColumnSettings(align=align) for align in aligned[: limits.MAX_TABLE_COLUMNS]]
    yield TableBlock(
        rows=[[RawTextObject(text=cell) for cell in row] for row in cut],
        column_settings=settings if set(aligned) - {"left"} else None,
    )


def _cut_columns(grid: Grid, width: int) -> Grid:
    """Make the rows equally long; the last column says how many are left out."""
    most = limits.MAX_TABLE_COLUMNS
    if width <= most:
        return [row + [""] * (width - len(row)) for row in grid]
    left_out = width - most + 1
    cut = [[*(row + [""] * most)[: most - 1], ELLIPSIS] for row in grid]
    cut[0][-1] = f"{ELLIPSIS} {left_out} more columns"
    return cut


def _cut_rows(grid: Grid) -> Grid:
    most = limits.MAX_TABLE_ROWS
    if len(grid) <= most:
        return grid
    left_out = len(grid) - most + 1
    return [*grid[: most - 1], [f"{ELLIPSIS} {left_out} more rows", *[ELLIPSIS] * (len(grid[0]) - 1)]]


def _cut_characters(grid: Grid) -> Grid:
    for longest in CELL_CHARACTERS:
        cut = [[shorten(cell, longest) if cell.strip() else EMPTY_CELL for cell in row] for row in grid]
        if sum(len(cell) for row in cut for cell in row) <= limits.MAX_TABLE_CHARACTERS:
            break
    return cut


def _as_text(grid: Grid) -> str:
    """Return the rows as lines of fixed-width text, within what a section takes."""
    lines = "\n".join(" | ".join(" ".join(cell.split()) for cell in row) for row in grid)
    room = limits.MAX_SECTION_CHARACTERS - 2 * len(_FENCE) - 2
    shown = shorten(lines.replace(_FENCE, _NO_FENCE), room)
    return f"{_FENCE}\n{shown}\n{_FENCE}"


def text_of_row(node: Json) -> str:
    """Return a row that stands outside any table, as text."""
    return " | ".join(_cells(node)) if node["type"] == "row" else own_text(node)
