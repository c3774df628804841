"""What handlers write down about themselves: lines that a killed process cannot take back."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from soak.evidence import Attempt

FILE = "handlers"


def note(directory: Path, what: str, name: str, attempt: int, *, superseded: bool) -> None:
    """Add a line in one write, which is whole or not there. `what` is "start" or "end"."""
    line = {"what": what, "name": name, "attempt": attempt, "superseded": superseded}
    text = json.dumps({**line, "pid": os.getpid(), "at": time.monotonic()})
    file = os.open(directory / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, f"{text}\n".encode())
    finally:
        os.close(file)


def read_attempts(directory: Path) -> list[Attempt]:
    """Return the attempts in the order in which they started."""
    started: dict[tuple[str, int], Attempt] = {}
    for line in _lines(directory / FILE):
        key = (line["name"], line["attempt"])
        if line["what"] == "start":
            # A number of an attempt comes twice only if two workers believed that it was theirs.
            while key in started:
                key = (key[0], key[1] + 1_000)
            started[key] = Attempt(line["name"], line["attempt"], line["pid"], line["at"])
            continue
        while key in started and started[key].pid != line["pid"]:
            key = (key[0], key[1] + 1_000)
        begun = started[key]
        started[key] = Attempt(begun.name, begun.attempt, begun.pid, begun.started, line["at"], line["superseded"])
    return sorted(started.values(), key=lambda attempt: attempt.started)


def _lines(file: Path) -> Iterator[dict]:
    if file.exists():
        for line in file.read_text().splitlines():
            yield json.loads(line)
