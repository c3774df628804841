"""The lists of points in `points/`: one file for each kind of database, one paragraph for each case."""

from pathlib import Path

from django.db import connection

from tests.runtime.crashes.cases import CASES

FOLDER = Path(__file__).parent / "points"


def points_of(name: str) -> list[str]:
    """Return the points of a case, as they are written down."""
    return _read().get(name, [])


def write_points(name: str, points: list[str]) -> None:
    """Write down what the points of a case have come to be. For one process at a time."""
    paragraphs = _read() | {name: points}
    ordered = [[f"[{case.name}]", *paragraphs[case.name]] for case in CASES if case.name in paragraphs]
    _file().write_text("\n\n".join("\n".join(lines) for lines in ordered) + "\n")


def _read() -> dict[str, list[str]]:
    paragraphs = _file().read_text().split("\n\n") if _file().exists() else []
    split = [paragraph.strip().splitlines() for paragraph in paragraphs]
    return {title.strip("[]"): points for title, *points in split}


def _file() -> Path:
    return FOLDER / f"{connection.vendor}.txt"
