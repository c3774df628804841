"""Tables as plain text, which is Markdown too."""

from collections.abc import Sequence

from bench.budgets import Budget

NOTHING = "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are figures."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        figures = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return f"| {' | '.join([cells[0].ljust(widths[0]), *figures])} |"

    rule = f"|{'|'.join(['-' * (widths[0] + 2), *('-' * (width + 1) + ':' for width in widths[1:])])}|"
    return "\n".join([line(heads), rule, *map(line, rows)])


def figure(number: float | None, digits: int = 0) -> str:
    """Return a number with thousands apart."""
    return NOTHING if number is None else f"{number:,.{digits}f}"


def judged(ratio: float | None, budget: Budget | None, digits: int = 2) -> str:
    """Return a ratio with its budget and whether that holds."""
    if ratio is None or budget is None:
        return figure(ratio, digits)
    sign = "≥" if budget.is_least else "≤"
    return f"{ratio:.{digits}f} ({sign} {budget.bound:g} {'✓' if budget.holds(ratio) else '✗'})"
