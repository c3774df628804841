"""What happened, line by line, with what was checked."""

import os
import sys
import time
from collections.abc import Sequence
from typing import TextIO

INDENT = " " * 19


class Timeline:
    """Prints elapsed time, actor and event; below each event its checks. Colours only on a terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._started_at = time.monotonic()
        self._in_colour = self._out.isatty() and "NO_COLOR" not in os.environ
        self._acts = 0
        self.passed = 0
        #: What each failed check was about.
        self.failures: list[str] = []

    @property
    def elapsed_s(self) -> float:
        """Seconds since the timeline began."""
        return time.monotonic() - self._started_at

    def act(self, title: str) -> None:
        """Begin another part of the story."""
        self._acts += 1
        self._print(f"\n{self._paint('1', f'{self._acts}. {title}')}")

    def event(self, actor: str, what: str) -> None:
        """Say what somebody did, now."""
        self._print(f"{self.elapsed_s:8.2f}  {self._paint('36', f'{actor:<7}')}  {what}")

    def check(self, what: str, *, got: object, expected: object = True) -> bool:
        """Compare, say how it went, and count it; True if `got` equals `expected`."""
        if got == expected:
            self.passed += 1
            self._print(f"{INDENT}{self._paint('32', '✓')} {what}")
            return True
        self.fail(what, f"expected {expected!r}", f"got      {got!r}")
        return False

    def fail(self, what: str, *details: str) -> None:
        """Say that something went wrong, and count it."""
        self.failures.append(what)
        self._print(f"{INDENT}{self._paint('31;1', '✗')} {what}")
        for detail in details:
            self._print(f"{INDENT}  {detail}")

    def heading(self, title: str) -> None:
        """Begin something that is not part of the story."""
        self._print(f"\n{self._paint('1', title)}")

    def fields(self, rows: Sequence[tuple[str, object]]) -> None:
        """Print names and values, aligned."""
        widest = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            self._print(f"  {name:<{widest}}  {value}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows under their header, each column as wide as it needs to be."""
        lines = [header, *([str(cell) for cell in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for number, line in enumerate(lines):
            text = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            self._print(f"  {self._paint('2', text) if number == 0 else text}")

    def note(self, text: str) -> None:
        """Print something that needs neither time nor actor."""
        self._print(f"  {text}" if text else "")

    def verdict(self) -> None:
        """Say how many checks held."""
        if self.failures:
            failed = f"{len(self.failures)} failed, {self.passed} held"
            self._print(f"\n{self._paint('31;1', failed)} in {self.elapsed_s:.1f} s:")
            for failure in self.failures:
                self._print(f"  {self._paint('31;1', '✗')} {failure}")
        else:
            held = f"All {self.passed} checks held"
            self._print(f"\n{self._paint('32;1', held)} in {self.elapsed_s:.1f} s.")

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._in_colour else text

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)
