"""Checks of what components are called with: a bad argument is named at the call, with its bound."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botstate import exact_json
from botstate.exceptions import shown
from botstate.types import Json

MAX_KEY_CHARACTERS = 200
MAX_NAME_CHARACTERS = 255
MAX_ALLOWED_USERS = 100
#: Of the ids that a platform gives to controls that nothing has named, such as links.
RESERVED_PREFIX = "link:"
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


def require_handler(name: str, handler: Any) -> None:
    """Raise TypeError unless `handler` is None or callable."""
    if handler is not None and not callable(handler):
        raise TypeError(f"{name} must be callable, not {type(handler).__name__}")


def require_flag(name: str, flag: Any) -> None:
    """Raise TypeError unless `flag` is True or False."""
    if not isinstance(flag, bool):
        raise TypeError(f"{name} must be True or False, not {shown(flag)}")


def plain_text(name: str, text: str) -> str:
    """Return a text of type str, without Django's mark that it is safe or whatever else a subclass of str adds.

    Raises NotSerializable for a lone surrogate, which no store and no platform takes.
    """
    plain = str.__str__(text)
    if not plain.isascii():
        exact_json.dumps(plain, name)
    return plain


def require_text(name: str, text: Any) -> str:
    """Return `text` as a plain str. Raises TypeError for what is none, NotSerializable for a lone surrogate."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    return plain_text(name, text)


def require_optional_text(name: str, text: Any) -> str | None:
    """Return `text` as `require_text` does, or None for None."""
    return None if text is None else require_text(name, text)


def require_name(name: str, text: Any, longest: int = MAX_KEY_CHARACTERS) -> str | None:
    """Return None, or a str of 1 to `longest` characters. Raises ValueError for anything else."""
    if text is None:
        return None
    if not isinstance(text, str) or not 1 <= len(text) <= longest:
        raise ValueError(f"{name} must be a str of 1 to {longest} characters")
    return plain_text(name, text)


def require_key(name: str, key: Any) -> str | None:
    """Return a control's key as `require_name` does. Raises ValueError also for one that begins with "link:"."""
    plain = require_name(name, key)
    if plain is not None and plain.startswith(RESERVED_PREFIX):
        raise ValueError(f"{name} must not begin with {RESERVED_PREFIX!r}")
    return plain


def require_one_of(name: str, choice: Any, choices: Sequence[str]) -> str:
    """Return `choice` as a plain str. Raises ValueError unless it is one of `choices`."""
    if choice not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {shown(choice)}")
    return plain_text(name, choice)


def require_colour(name: str, colour: Any) -> str | None:
    """Return None, or text such as "#27AE60". Raises ValueError for anything else."""
    if colour is None:
        return None
    if not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        raise ValueError(f"{name} must be '#' and 6 hex digits, not {shown(colour)}")
    return plain_text(name, colour)


def require_web_address(name: str, url: Any) -> str:
    """Return text that begins with http:// or https://. Raises ValueError for anything else."""
    if not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        raise ValueError(f"{name} must begin with https:// or http://, not {shown(url)}")
    return plain_text(name, url)


def listed_users(users: Sequence[str] | None) -> list[str] | None:
    """Return the ids of the people who may use a control; None for everybody.

    Raises TypeError for what is not a list or tuple of str, ValueError unless it holds 1 to 100 ids.
    """
    if users is None:
        return None
    if not isinstance(users, list | tuple) or not all(isinstance(user, str) for user in users):
        raise TypeError(f"allowed_users must be a list of user ids, not {shown(users)}")
    if not 1 <= len(users) <= MAX_ALLOWED_USERS or not all(users):
        raise ValueError(f"allowed_users must hold 1 to {MAX_ALLOWED_USERS} user ids, or be None for everybody")
    return [plain_text("allowed_users", user) for user in users]


def listed_options(options: Sequence[Any]) -> list[Json]:
    """Return options as `{"label", "value"}` each.

    options: a list or tuple of what `Option` returns, (label, value) pairs, and text or numbers, which are both.
    """
    if not isinstance(options, list | tuple):
        raise TypeError(f"options must be a list, not {type(options).__name__}")
    return [_option(option) for option in options]


def _option(option: Any) -> Json:
    if isinstance(option, Mapping) and option.keys() == {"label", "value"}:
        label, value = option["label"], option["value"]
    elif isinstance(option, tuple) and len(option) == 2:  # noqa: PLR2004
        label, value = option
    elif isinstance(option, str):
        label = value = plain_text("options", option)
    elif isinstance(option, int | float) and not isinstance(option, bool):
        label, value = str(option), option
    else:
        raise TypeError(f"options must be Option(label, value), (label, value) or text each, not {shown(option)}")
    if not isinstance(label, str):
        raise TypeError(f"an option's label must be a str, not {shown(label)}")
    return {"label": plain_text("an option's label", label), "value": value}
