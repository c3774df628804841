"""Stored values in few words, safe to look at. Pure; returns plain text, which templates escape."""

import json
import unicodedata
from collections.abc import Mapping

from botstate.types import Json

ELLIPSIS = "…"
#: Unassigned, control and formatting characters hide or reorder what stands around them.
_HIDING = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_JOINER = "\u200d"
_SEVERAL = 3


def visible(text: str) -> str:
    """Return `text` with control and formatting characters escaped; new lines and tabs stay, emoji stay whole."""
    return "".join(
        character
        if character in ("\n", "\t", _JOINER) or unicodedata.category(character) not in _HIDING
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shortened(text: str, limit: int) -> str:
    """Return `text` on one line, visible, of at most `limit` characters."""
    line = " ".join(visible(text[: limit * 4]).split())
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1] + ELLIPSIS


def scalar(value: Json) -> str:
    """Return null, a truth value, a number or a text as people read it.

    A text that could be taken for something else (a number, nothing, surrounding space) is quoted.
    """
    if not isinstance(value, str):
        return repr(value)
    is_ambiguous = value != value.strip() or value in ("", "None", "True", "False") or _is_number(value)
    return json.dumps(value, ensure_ascii=False) if is_ambiguous else value


def in_brief(value: Json, limit: int = 40) -> str:
    """Return any JSON value in at most about `limit` characters: contents where they are few, else their number."""
    if isinstance(value, list):
        if len(value) <= _SEVERAL and not any(isinstance(item, list | dict) for item in value):
            return "[" + ", ".join(in_brief(item, limit // _SEVERAL) for item in value) + "]"
        return counted(len(value), "item")
    if isinstance(value, dict):
        return counted(len(value), "field")
    return shortened(scalar(value), limit)


def pairs(values: Mapping[str, Json], joint: str, most: int = 6) -> str:
    """Return `name=value` for the first `most` values, and how many more there are."""
    shown = [f"{shortened(name, 40)}={in_brief(value)}" for name, value in list(values.items())[:most]]
    if len(values) > most:
        shown.append(f"+{len(values) - most} more")
    return joint.join(shown)


def counted(number: int, noun: str) -> str:
    """Return "1 item", "2 items", "no items"."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
