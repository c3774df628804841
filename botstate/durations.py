"""Durations as people write them, in microseconds."""

import re
from datetime import timedelta

from botstate.exceptions import shown
from botstate.types import Duration

MICROSECONDS_PER_SECOND = 1_000_000
MAX_SECONDS = 100 * 365 * 86_400
_MAX_US = MAX_SECONDS * MICROSECONDS_PER_SECOND

_UNITS_US = {
    "ms": 1_000,
    "s": MICROSECONDS_PER_SECOND,
    "m": 60 * MICROSECONDS_PER_SECOND,
    "h": 3_600 * MICROSECONDS_PER_SECOND,
    "d": 86_400 * MICROSECONDS_PER_SECOND,
}
_TEXT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")


def to_microseconds(value: Duration, name: str) -> int:
    """Return `value` in whole microseconds, at least 1.

    value: seconds as int or float, a timedelta, or "500ms", "30s", "5m", "12h", "30d".
    name: how to call it in the error. Raises ValueError when it is none of these, zero or less,
    not finite, or longer than 100 years.
    """
    microseconds = _parse(value)
    if microseconds is None:
        raise ValueError(
            f"{name} must be seconds, a timedelta or text such as '500ms', '30s', '12h' or '30d', not {shown(value)}"
        )
    if not 0 < microseconds <= _MAX_US:
        raise ValueError(f"{name} must be more than zero and at most 100 years, not {shown(value)}")
    return round(microseconds) or 1


def optional_microseconds(value: Duration | None, name: str) -> int | None:
    """`to_microseconds`, with None for no limit."""
    return None if value is None else to_microseconds(value, name)


def _parse(value: object) -> float | None:
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        return float(match[1]) * _UNITS_US[match[2]] if match else None
    if isinstance(value, timedelta):
        return value / timedelta(microseconds=1)
    # As plain numbers: a subclass may calculate, and write itself, in its own way.
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__index__(value) * MICROSECONDS_PER_SECOND
    if isinstance(value, float):
        return float.__float__(value) * MICROSECONDS_PER_SECOND
    return None
