"""Tables, and charts, which are shown as tables where a platform draws none."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from botstate.exceptions import shown
from botstate.types import Json
from botstate.ui.arguments import plain_text, require_one_of, require_optional_text, require_text
from botstate.ui.nodes import Node, make_node

Alignment = Literal["left", "center", "right"]
ChartKind = Literal["line", "bar", "pie"]


def Table(*rows: Any, columns: Sequence[Any] = ()) -> Node:
    """A table of `Row`s.

    columns: their headers, each a str or what `Column` returns; without any there is no row of headers. Slack shows at
    most 100 rows of 20 columns, and one table in a message: a second one is shown as text.
    """
    if not isinstance(columns, list | tuple):
        raise TypeError(f"columns must be a list, not {type(columns).__name__}")
    headed = [Column(column) if isinstance(column, str) else column for column in columns]
    if not all(isinstance(column, Mapping) and column.keys() == {"header", "align"} for column in headed):
        raise TypeError(f"columns must be Column(header, align) or text each, not {shown(columns)}")
    return make_node("table", rows, {"columns": headed or None})


def Column(header: str, align: Alignment = "left") -> dict[str, Json]:
    """The header of a table's column, and where its cells stand: "left", "center" or "right"."""
    plain_align = require_one_of("align", align, ("left", "center", "right"))
    return {"header": require_text("header", header), "align": plain_align}


def Row(*cells: Any) -> Node:
    """A row of a Table: `Cell`s, or text, each a cell of its own."""
    return make_node("row", cells)


def Cell(*children: Any) -> Node:
    """A cell of a Row; plain text."""
    return make_node("cell", children)


def Chart(
    kind: ChartKind, labels: Sequence[str], series: Mapping[str, Sequence[float]], title: str | None = None
) -> Node:
    """A chart; Slack, whose own library has none, shows it as a table.

    kind: "line", "bar" or "pie". labels: one per point, bar or slice. series: a name, and one number per label; a pie
    has one series. Raises ValueError where their lengths differ or a number is not finite.
    """
    plain_kind = require_one_of("kind", kind, ("line", "bar", "pie"))
    plain_title = require_optional_text("title", title)
    if not isinstance(labels, list | tuple) or not all(isinstance(label, str) for label in labels):
        raise TypeError(f"labels must be a list of str, not {shown(labels)}")
    if not isinstance(series, Mapping) or not all(isinstance(name, str) for name in series):
        raise TypeError(f"series must be a dict of names to numbers, not {shown(series)}")
    if kind == "pie" and len(series) != 1:
        raise ValueError(f"series of a pie must be 1, not {len(series)}")
    named = {plain_text("series", name): values for name, values in series.items()}
    listed = [{"name": name, "values": _numbers(name, values, len(labels))} for name, values in named.items()]
    props = {"kind": plain_kind, "labels": [plain_text("labels", label) for label in labels], "series": listed}
    return Node("chart", props | ({} if plain_title is None else {"title": plain_title}))


def _numbers(name: str, values: Any, length: int) -> list[float]:
    if not isinstance(values, list | tuple) or not all(type(value) in (int, float) for value in values):
        raise TypeError(f"series {name[:80]!r} must be a list of numbers, not {shown(values)}")
    if len(values) != length:
        raise ValueError(f"series {name[:80]!r} must have {length} numbers, one per label, not {len(values)}")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"series {name[:80]!r} must have finite numbers")
    return list(values)
