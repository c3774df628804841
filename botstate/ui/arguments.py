"""Checks of what components are called with: a bad argument is named at the call, with its bound."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botstate.exceptions import shown
from botstate.types import Json

MAX_KEY_CHARACTERS = 200
MAX_NAME_CHARACTERS = 255
MAX_ALLOWED_USERS = 100
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


def require_handler(name: str, handler: Any) -> None:
    """Raise TypeError unless `handler` is None or callable."""
    if handler is not None and not callable(handler):
        raise TypeError(f"{name} must be callable, not {type(handler).__name__}")


def require_flag(name: str, flag: Any) -> None:
    """Raise TypeError unless `flag` is True or False."""
    if not isinstance(flag, bool):
        raise TypeError(f"{name} must be True or False, not {shown(flag)}")


def require_text(name: str, text: Any) -> None:
    """Raise TypeError unless `text` is a str."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")


def require_optional_text(name: str, text: Any) -> None:
    """Raise TypeError unless `text` is a str or None."""
    if text is not None:
        require_text(name, text)


def require_key(name: str, key: Any, longest: int = MAX_KEY_CHARACTERS) -> None:
    """Raise ValueError unless `key` is None or a str of 1 to `longest` characters."""
    if key is not None and not (isinstance(key, str) and 1 <= len(key) <= longest):
        raise ValueError(f"{name} must be a str of 1 to {longest} characters")


def require_one_of(name: str, choice: Any, choices: Sequence[str]) -> None:
    """Raise ValueError unless `choice` is one of `choices`."""
    if choice not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {shown(choice)}")


def require_colour(name: str, colour: Any) -> None:
    """Raise ValueError unless `colour` is None or text such as "#27AE60"."""
    if colour is not None and not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        raise ValueError(f"{name} must be '#' and 6 hex digits, not {shown(colour)}")


def require_web_address(name: str, url: Any) -> None:
    """Raise ValueError unless `url` is text that begins with http:// or https://."""
    if not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        raise ValueError(f"{name} must begin with https:// or http://, not {shown(url)}")


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
    return list(users)


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
    elif isinstance(option, str | int | float) and not isinstance(option, bool):
        label, value = str(option), option
    else:
        raise TypeError(f"options must be Option(label, value), (label, value) or text each, not {shown(option)}")
    if not isinstance(label, str):
        raise TypeError(f"an option's label must be a str, not {shown(label)}")
    return {"label": label, "value": value}
