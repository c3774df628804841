"""Keyed stores as plain Python: what they must give, with a clock that is a number."""

from dataclasses import dataclass, field
from typing import Any

from botstate.testing.conformance.exact_values import is_same

FOREVER = float("inf")


@dataclass(frozen=True)
class Row:
    """An entry that lives until its time has come."""

    value: Any
    ttl: float | None
    until: float


@dataclass(frozen=True)
class Bound:
    """How a namespace is opened. most: the most live entries, or None."""

    most: int | None = None
    rejects: bool = False
    default_ttl: float | None = None
    retained: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of `open_keyed_store`."""
        overflow = "reject-new" if self.rejects else "evict-oldest"
        options = {"max_entries": self.most, "default_ttl": self.default_ttl, "overflow": overflow}
        return {"retained": True} if self.retained else options


@dataclass
class KeyedModel:
    """Every namespace's rows, in the order in which they were written."""

    now: float = 0.0
    rows: dict[tuple[str, bool], dict[str, Row]] = field(default_factory=dict)

    def live(self, namespace: str, bound: Bound) -> dict[str, Row]:
        """Return what lives, and forget the rest."""
        name = (namespace, bound.retained)
        self.rows[name] = {key: row for key, row in self.rows.get(name, {}).items() if row.until > self.now}
        return self.rows[name]

    def write(self, namespace: str, bound: Bound, key: str, value: Any, ttl: float | None) -> bool:
        """Write an entry as the newest; False where the bound refuses it."""
        live = self.live(namespace, bound)
        if bound.rejects and key not in live and bound.most is not None and len(live) >= bound.most:
            return False
        live.pop(key, None)
        ttl = bound.default_ttl if ttl is None else ttl
        live[key] = Row(value, ttl, FOREVER if ttl is None else self.now + ttl)
        while bound.most is not None and not bound.rejects and len(live) > bound.most:
            del live[next(iter(live))]
        return True

    def equals(self, namespace: str, bound: Bound, key: str, expected: Any) -> bool:
        """True if the live value is `expected`, exactly."""
        row = self.live(namespace, bound).get(key)
        return row is not None and is_same(row.value, expected)

    def in_range(self, namespace: str, bound: Bound, start: str | None, end: str | None) -> list[list[Any]]:
        """Return keys and values with start <= key < end, by key."""
        return [
            [key, row.value]
            for key, row in sorted(self.live(namespace, bound).items())
            if (start is None or start <= key) and (end is None or key < end)
        ]
