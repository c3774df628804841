"""What a run found, in figures that can go from one process to another, and the table of all runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.tables import figure, table

#: The checks of which one violation breaks a promise, in the order of the columns; see `soak.checks`.
COUNTED = ("wrong states", "repeats", "reorderings", "overlapping leases", "losses")


@dataclass(frozen=True)
class Result:
    """One combination's figures.

    violations: by check, how many events, posts, threads or leases. details: what they are. notes: what else happened.
    attempts, killed: of handlers. given_up: posts that were perhaps sent and so not sent again.
    """

    name: str
    planned: int
    accepted: int
    turns: int
    attempts: int
    killed: int
    repeated_unmarked: int
    given_up: int
    violations: dict[str, int]
    details: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unfinished: str = ""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """True if all was accepted and done, and no promise was broken."""
        return self.accepted == self.planned and not self.unfinished and not any(self.violations.values())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; `Result(**it)` gives it back."""
        return asdict(self)


def results_table(results: Sequence[Result]) -> str:
    """Return the table that ends a soak."""
    heads = ["on", "events accepted", "turns run", "attempts", "killed at work", "repeated unmarked", "given up"]
    rows = []
    for result in results:
        numbers = [result.accepted, result.turns, result.attempts, result.killed, result.repeated_unmarked]
        numbers += [result.given_up, *(result.violations[name] for name in COUNTED)]
        rows.append([result.name, *map(figure, numbers), figure(result.seconds)])
    return table([*heads, *COUNTED, "s"], rows)
