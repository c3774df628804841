"""Values that must come back as they went in, and values that must be refused."""

import math
from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any


class Colour(str, Enum):  # noqa: UP042
    """A str that is not just a str."""

    RED = "red"


class Level(IntEnum):
    """An int that is not just an int."""

    HIGH = 3


class Text(str):
    """A subclass of str."""

    __slots__ = ()


def nested(depth: int) -> Any:
    """Return lists within lists, `depth` of them."""
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def circular() -> Any:
    """Return a list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


EXACT: dict[str, Any] = {
    "None": None,
    "True": True,
    "False": False,
    "0": 0,
    "1": 1,
    "1.0": 1.0,
    "-0.0": -0.0,
    "0.1 + 0.2": 0.1 + 0.2,
    "1e16": 1e16,
    "10 to the 16th as an int": 10**16,
    "the largest float": 1.7976931348623157e308,
    "the smallest float": 5e-324,
    "2 to the 53rd plus 1": 2**53 + 1,
    "2 to the 63rd": 2**63,
    "2 to the 70th": 2**70,
    "minus 2 to the 70th": -(2**70),
    "an int of 4,300 digits": 10**4300 - 1,
    "a negative int of 4,300 digits": -(10**4300) + 1,
    "the empty text": "",
    "the text null": "null",
    "the text 1": "1",
    "a text with U+0000": "a\x00b",
    "U+0000 alone": "\x00",
    "quotes and backslashes": "\"'\\ \\u0041 %s {} $1 ? --",
    "line ends and tabs": " \r\n\t\u2028\u2029 ",
    "é composed": "\u00e9",
    "é decomposed": "e\u0301",
    "beyond the 16 bit plane": "\U0001f600\U0010ffff",
    "U+FFFF and U+FFFE": "\uffff\ufffe",
    "a long text": "ab" * 40_000,
    "the empty list": [],
    "the empty dict": {},
    "nested empties": [[], {}, [{}], {"": []}],
    "mixed types": [1, 1.0, True, "1", None, 0, False, 0.0, ""],
    "key order": {"b": 1, "a": 2, "C": 3, "": 4, "10": 5, "9": 6},
    "the order of nested keys": {"z": {"y": 1, "x": [{"b": 1, "a": 2}]}, "a": None},
    "keys that a collation would merge": {"a": 1, "A": 2, "a ": 3, "\u00e9": 4, "e\u0301": 5, "a\x00": 6},
    "nesting of 100": nested(100),
}

REFUSED: dict[str, Any] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "a set": {1},
    "a frozenset": frozenset({1}),
    "a tuple": (1, 2),
    "bytes": b"a",
    "a bytearray": bytearray(b"a"),
    "a datetime": datetime(2026, 1, 1, tzinfo=UTC),
    "a date": date(2026, 1, 1),
    "a Decimal": Decimal("1.0"),
    "a complex number": 1j,
    "an object": object(),
    "a str Enum member": Colour.RED,
    "an IntEnum member": Level.HIGH,
    "a subclass of str": Text("a"),
    "an OrderedDict": OrderedDict(a=1),
    "a lone surrogate": "\ud800",
    "a lone surrogate within": "ab\udfffcd",
    "surrogates that look like a pair": "\ud83d\ude00",
    "an int of 4,301 digits": 10**4300,
    "a negative int of 4,301 digits": -(10**4300),
    "nesting of 101": nested(101),
    "a list that holds itself": circular(),
    "an int key": {1: "a"},
    "a None key": {None: "a"},
    "a bool key": {True: "a"},
    "a key of a str Enum": {Colour.RED: 1},
    "a key with a lone surrogate": {"\ud800": 1},
    "NaN deep inside": {"a": [1, {"b": [math.nan]}]},
    "a tuple deep inside": [[[{"a": (1,)}]]],
}


def is_same(got: Any, put: Any) -> bool:
    """True if both are equal in value and in type, all the way down, key order and the sign of zero included."""
    if type(got) is not type(put):
        return False
    if isinstance(put, dict):
        return list(got) == list(put) and all(is_same(got[key], put[key]) for key in put)
    if isinstance(put, list):
        return len(got) == len(put) and all(map(is_same, got, put))
    if isinstance(put, float):
        return bool(got.hex() == put.hex())
    return bool(got == put)


def short(value: Any) -> str:
    """Return the value for a message, cut; an int of thousands of digits does not fit into one."""
    if isinstance(value, int) and abs(value) >= 10**100:
        return f"an int of {value.bit_length()} bits"
    return f"{value!a:.200}"
