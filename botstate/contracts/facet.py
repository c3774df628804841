"""What the five facets share: key and value checks, and the rule about event loops.

Each facet's public methods check their arguments, turn values into exact JSON text and call one protected method
that a backend implements; no backend sees a bad key or an unserialized value.
"""

import re
import secrets
from abc import ABC
from collections.abc import Callable
from functools import lru_cache, partial, wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation

from botstate import event_loop, exact_json
from botstate.contracts.addresses import Address
from botstate.exceptions import ValueUnreadable, shown
from botstate.types import Json

DEFAULT_MAX_VALUE_BYTES = 1024 * 1024
_KNOWN_ADDRESSES = 256
_TOKEN = re.compile(r"[0-9a-f]{32}")

P = ParamSpec("P")
R = TypeVar("R")


class Facet(ABC):
    """One kind of state in a store.

    namespace: keeps stores in one server apart. max_value_bytes: how long one value may be, as JSON in UTF-8.
    """

    name: ClassVar[str]

    def __init__(self, namespace: str = "", max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES) -> None:
        self._namespace = namespace
        self._max_value_bytes = max_value_bytes
        self._new_address = partial(Address.of, namespace, self.name)
        # Most keys are used several times in a row: an acquire and its release, a get and its set.
        self._known_address = lru_cache(_KNOWN_ADDRESSES)(self._new_address)

    def _address(self, key: str) -> Address:
        # Of other types, some are equal to a str and some have no hash.
        return self._known_address(key) if type(key) is str else self._new_address(key)

    def _dumps(self, value: Json) -> str:
        return exact_json.dumps_within(value, self._max_value_bytes)

    async def _in_thread(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await sync_to_async(method, thread_sensitive=True)(*args, **kwargs)


def blocking(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Refuse to run a method on a running event loop, which it would block; name its async twin."""

    @wraps(method)
    def checked(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if event_loop.is_running():
            owner = f"store.{self.name}" if isinstance(self, Facet) else "store"
            raise SynchronousOnlyOperation(
                f"{owner}.{method.__name__} would block the event loop: use {owner}.a{method.__name__}"
            )
        return method(self, *args, **kwargs)

    return checked


def check_bound(value: Any, name: str, least: int) -> int:
    """Return `value` as a plain int. Raises ValueError unless it is an int, no bool, of at least `least`."""
    # What a subclass writes itself as, an Enum for one, is nothing that a server could read: no backend sees it.
    if isinstance(value, bool) or not isinstance(value, int) or (plain := int.__index__(value)) < least:
        raise ValueError(f"{name} must be an int of at least {least}, not {shown(value)}")
    return plain


def optional_bound(value: Any, name: str, least: int) -> int | None:
    """`check_bound`, with None for no bound."""
    return None if value is None else check_bound(value, name, least)


def check_flag(value: Any, name: str) -> None:
    """Raise ValueError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {shown(value)}")


def value_of(key: str, text: str) -> Json:
    """Return the value of a key's stored text. Raises ValueUnreadable where that is no JSON."""
    try:
        return exact_json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable(key) from None


def values_of(key: str, texts: list[Any]) -> list[Json]:
    """Return the values of a key's stored texts, or of the bytes of such texts. Raises ValueUnreadable."""
    try:
        return exact_json.loads_each(texts)
    except (ValueError, RecursionError):
        raise _unreadable(key) from None


def _unreadable(key: str) -> ValueUnreadable:
    # Not what the decoder says: it holds the text.
    return ValueUnreadable(f"what is stored under {shown(key)} is no JSON")


def new_token() -> str:
    """Return a token that nobody can guess: 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def is_token(token: object) -> bool:
    """True for what `new_token` can have returned; anything else holds nothing, and no backend sees it."""
    return isinstance(token, str) and _TOKEN.fullmatch(token) is not None
