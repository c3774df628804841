"""JSON in, equal JSON out: the one text form of every value that botstate stores.

The text is ASCII, so that no server's character set, collation or ban on U+0000 can touch it. Key order is kept.
Accepted, exactly and in type: None, bool, int, float, str, list, dict with str keys. Everything else raises
`NotSerializable` with the place of the offender: NaN and the infinities, sets, tuples, datetimes, subclasses (enum
members among them), keys that are not str, lone surrogates, integers of over 4,300 digits, nesting over 100.
"""

import json
import math
from collections.abc import Callable
from typing import Any

from botstate.exceptions import NotSerializable
from botstate.types import Json

MAX_DEPTH = 100
MAX_DIGITS = 4_300
_MAX_INT = 10**MAX_DIGITS
_MIN_INT = -_MAX_INT

#: `json.dumps` would make one for each value. What was checked before is not nested without end.
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_UNESCAPED_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False, ensure_ascii=False)
_DECODER = json.JSONDecoder()


class _Offence(Exception):
    """What is wrong, and the steps from the outermost value to it, innermost first."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.steps: list[str] = []


def dumps(value: Json, what: str = "value") -> str:
    """Return the JSON text of `value`, or raise NotSerializable; `what` names it in the error."""
    _require(value, what)
    return _ENCODER.encode(value)


def dumps_within(value: Json, max_bytes: int, what: str = "value") -> str:
    """`dumps`, or a ValueError for what takes over `max_bytes` bytes as JSON in UTF-8, without escaped letters."""
    text = dumps(value, what)
    # An escaped letter is longer than its UTF-8, so that what is short enough here needs no closer look.
    if len(text) > max_bytes and (length := len(_UNESCAPED_ENCODER.encode(value).encode())) > max_bytes:
        raise ValueError(f"a {what} may take at most {max_bytes} bytes as JSON, not {length}")
    return text


def loads(text: str) -> Json:
    """Return the value of a text that `dumps` made."""
    # Unlike `json.loads` it looks for no space around the value, which takes as long as the value.
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def loads_each(texts: list[Any]) -> list[Json]:
    """Return the values of texts that `dumps` made, or of the bytes of such texts; much faster than one by one.

    Several may stand in one text, with commas between.
    """
    joined = b",".join(texts).decode("ascii") if texts and isinstance(texts[0], bytes) else ",".join(texts)
    values: list[Json] = json.loads(f"[{joined}]")
    return values


def loads_foreign(text: str) -> Json:
    """Return the value of JSON text from outside, under the same rules as `dumps`.

    Raises ValueError for text that is not JSON or is nested too deeply to be read, NotSerializable for a value that
    could not be stored as it is (NaN, a lone surrogate).
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON text is nested too deeply") from error
    _require(value, "value")
    return value


def _require(value: Json, what: str) -> None:
    try:
        _check(value, 0)
    except _Offence as offence:
        place = what + "".join(reversed(offence.steps))[:200]
        raise NotSerializable(f"{place} {offence}") from None


def _check(value: Json, depth: int) -> None:
    check = _CHECKS.get(type(value))
    if check is None:
        raise _Offence(f"is of type {type(value).__qualname__}, which is not JSON")
    check(value, depth)


def _accept(value: Json, depth: int) -> None:
    pass


def _check_int(value: int, depth: int) -> None:
    if not _MIN_INT < value < _MAX_INT:
        raise _Offence(f"is an integer of more than {MAX_DIGITS} digits")


def _check_float(value: float, depth: int) -> None:
    if not math.isfinite(value):
        raise _Offence(f"is {value!r}, which JSON has no number for")


def _check_str(value: str, depth: int) -> None:
    if value.isascii():
        return
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _Offence(f"holds a lone surrogate at {error.start}") from None


def _check_list(value: list[Json], depth: int) -> None:
    _check_depth(depth)
    for index, item in enumerate(value):
        if type(item) is str and item.isascii():
            continue
        try:
            _check(item, depth + 1)
        except _Offence as offence:
            offence.steps.append(f"[{index}]")
            raise


def _check_dict(value: dict[str, Json], depth: int) -> None:
    _check_depth(depth)
    for key, item in value.items():
        if type(key) is not str:
            raise _Offence(f"has a key of type {type(key).__qualname__}; JSON keys are str")
        if type(item) is str and item.isascii() and key.isascii():
            continue
        try:
            _check_str(key, depth)
            _check(item, depth + 1)
        except _Offence as offence:
            offence.steps.append(f"[{key[:40]!a}]")
            raise


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise _Offence(f"is nested more than {MAX_DEPTH} deep")


_CHECKS: dict[type, Callable[[Any, int], None]] = {
    type(None): _accept,
    bool: _accept,
    int: _check_int,
    float: _check_float,
    str: _check_str,
    list: _check_list,
    dict: _check_dict,
}
