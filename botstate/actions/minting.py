"""Ids of controls, the same as CopilotKit mints.

An id is "ck:" and the first 16 hex digits of the SHA-1 of `component|path|props`, with the path joined by dots and the
props as JavaScript's JSON.stringify would write them with sorted keys: numbers are doubles, keys sort by UTF-16 units.
Source: CopilotKit channels-core, `mintId` and `stableStringify`.
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from botstate import exact_json
from botstate.types import Json

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_EXACT_INT = 2**53
MAX_POSITIONAL_DIGITS = 21
MAX_LEADING_ZEROS = 6


def mint_id(component: str, path: Sequence[str | int], props: Json) -> str:
    """Return the id of the control at `path` of `component` rendered with `props`.

    A dict's keys that are None, bool, int or float are the text that JavaScript makes of them.
    """
    return _mint(component, path, _stable(props))


def mint_bound_id(component: str, path: Sequence[str | int], props: Json, args: Json) -> str:
    """Return the id of a control whose handler is bound to `args`; another binding has another id.

    The arguments are told apart exactly: 1 from 1.0, and integers that are one double in JavaScript.
    """
    return _mint(component, path, f"{_stable(props)}|{exact_json.dumps(args)}")


def mint_inline_id(path: Sequence[str | int], content: Json) -> str:
    """Return the id of a control outside any component, where `content` is all that tells it from another.

    No component and no props can make such a control again, so that an update of a message must not give its id to
    another: people may still see the old one.
    """
    return _mint("", path, f"|{exact_json.dumps(content)}")


def _mint(component: str, path: Sequence[str | int], text: str) -> str:
    joined = f"{component}|{'.'.join(map(str, path))}|{text}"
    # JavaScript hashes UTF-8: surrogate pairs are one character, lone surrogates become U+FFFD.
    whole = joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "ck:" + hashlib.sha1(whole.encode("utf-8"), usedforsecurity=False).hexdigest()[:16]


def _stable(value: Any) -> str:
    if isinstance(value, dict):
        by_name = {key if isinstance(key, str) else _stable(key): item for key, item in value.items()}
        names = sorted(by_name, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_quoted(name)}:{_stable(by_name[name])}" for name in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_stable, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return _number(value)
    return "null"


def _quoted(text: str) -> str:
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(paired, ensure_ascii=False))


def _number(value: int | float) -> str:
    """Return a number as JavaScript prints a double: positional from 1e-6 to below 1e21, else with an exponent."""
    if isinstance(value, int) and -_LARGEST_EXACT_INT <= value <= _LARGEST_EXACT_INT:
        return str(value)
    try:
        double = float(value)
    except OverflowError:
        return "null"
    if not math.isfinite(double):
        return "null"
    if double == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(double)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    return ("-" if sign else "") + _layout(text, point)


def _layout(digits: str, point: int) -> str:
    """Place the decimal point, `point` digits from the left."""
    if len(digits) <= point <= MAX_POSITIONAL_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= MAX_POSITIONAL_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -MAX_LEADING_ZEROS < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
