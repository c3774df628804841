"""Handlers and their bound arguments."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botstate.types import Json


@dataclass(frozen=True, slots=True)
class BoundHandler:
    """A handler with arguments that are stored with the control and given back after any restart."""

    handler: Callable[..., Any]
    args: Json

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.handler(*args, **kwargs)


def bind(handler: Callable[..., Any], args: Json) -> BoundHandler:
    """Bind JSON arguments to a click handler.

    The handler gets them as keyword arguments where `args` is a dict and it takes keywords of these names, else as a
    third positional argument where it takes one; `click.args` holds them in any case. Raises TypeError when `handler`
    is not callable or bound already. Source: CopilotKit's `bind`, which loses the arguments after a restart.
    """
    if isinstance(handler, BoundHandler) or not callable(handler):
        raise TypeError(f"bind needs a function that is not bound yet, not {type(handler).__name__}")
    return BoundHandler(handler, args)


def unbound(handler: Callable[..., Any] | BoundHandler) -> Callable[..., Any]:
    """Return the function itself."""
    return handler.handler if isinstance(handler, BoundHandler) else handler


def qualified_name(handler: Callable[..., Any] | BoundHandler) -> str:
    """Return "module.qualname" of the function itself."""
    function = unbound(handler)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def call_arguments(
    handler: Callable[..., Any], positional: tuple[Any, ...], args: Json
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the (positional, keyword) arguments with which to call `handler`; `args` are its bound ones or None."""
    signature = inspect.signature(handler)
    if type(args) is dict and _accepts(signature, positional, args):
        return positional, args
    if args is not None and _accepts(signature, (*positional, args), {}):
        return (*positional, args), {}
    return positional, {}


def _accepts(signature: inspect.Signature, positional: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    try:
        signature.bind(*positional, **keywords)
    except TypeError:
        return False
    return True
