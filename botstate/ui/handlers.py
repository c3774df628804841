"""Handlers: their bound arguments, their names, and how they are called."""

import functools
import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
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

    What is no dict is the handler's third positional argument, where it takes one. A dict arrives as keyword arguments
    where the handler takes these; as the third positional argument only where it needs one that no keyword of the dict
    is for. `click.args` holds them in any case. Raises TypeError when `handler` is not callable, is bound already, or
    takes other keywords than these.
    A message that was posted before keeps its own arguments. If they do not fit the handler of a newer release any
    more, or would reach it as one dict where those bound there arrive as keywords, its control has expired.
    Source: CopilotKit's `bind`, which loses the arguments after a restart.
    """
    if isinstance(handler, BoundHandler) or not callable(handler):
        raise TypeError(f"bind needs a function that is not bound yet, not {type(handler).__name__}")
    positional, keywords = call_arguments(handler, (None, None), args)
    try:
        inspect.signature(handler).bind(*positional, **keywords)
    except TypeError as error:
        raise TypeError(f"{qualified_name(handler)} cannot be called with these bound arguments: {error}") from error
    return BoundHandler(handler, args)


def unbound(handler: Callable[..., Any] | BoundHandler) -> Callable[..., Any]:
    """Return the function itself."""
    return handler.handler if isinstance(handler, BoundHandler) else handler


def qualified_name(handler: Callable[..., Any] | BoundHandler) -> str:
    """Return a name that two different handlers never share, and that the next release still finds.

    "module.qualname" of the function; of a partial also its arguments, and of a function without a name of its own a
    digest of its code.
    """
    function = unbound(handler)
    if isinstance(function, functools.partial):
        given = [*map(repr, function.args), *(f"{name}={value!r}" for name, value in function.keywords.items())]
        return f"{qualified_name(function.func)}({', '.join(given)})"
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    code = getattr(function, "__code__", None)
    return f"{name}#{_code_digest(code)}" if code is not None and "<" in name else name


def call_arguments(
    handler: Callable[..., Any], positional: tuple[Any, ...], args: Json
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the (positional, keyword) arguments with which to call `handler`; `args` are its bound ones or None."""
    if args is None:
        return positional, {}
    signature = inspect.signature(handler)
    if type(args) is not dict:
        return ((*positional, args) if _accepts(signature, (*positional, args), {}) else positional), {}
    if args and _accepts(signature, positional, args):
        return positional, args
    if not _accepts(signature, positional, {}):
        return (*positional, args), {}
    # It takes the first two alone. Keywords of other names are a mistake, which calling with them shows.
    takes_more = len(signature.parameters) > len(positional)
    return positional, args if takes_more else {}


def can_take(handler: Callable[..., Any] | BoundHandler, args: Json) -> bool:
    """True if `args`, which were stored with a control, reach its handler as those that are bound to it now do.

    Keywords that a newer release has renamed must not arrive as one dict in the place of the new one.
    """
    function = unbound(handler)
    positional, keywords = call_arguments(function, (None, None), args)
    if not _accepts(inspect.signature(function), positional, keywords):
        return False
    if type(args) is not dict or not isinstance(handler, BoundHandler) or type(handler.args) is not dict:
        return True
    return len(positional) <= len(call_arguments(function, (None, None), handler.args)[0])


def _accepts(signature: inspect.Signature, positional: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    try:
        signature.bind(*positional, **keywords)
    except TypeError:
        return False
    return True


def _code_digest(code: CodeType) -> str:
    """Name what a function does, wherever it stands: its code, without line numbers."""
    digest = hashlib.blake2b(digest_size=8)

    def add(part: CodeType) -> None:
        digest.update(part.co_code)
        digest.update(repr((part.co_names, part.co_freevars)).encode())
        for constant in part.co_consts:
            if isinstance(constant, CodeType):
                add(constant)
            else:
                digest.update(_written(constant).encode())

    add(code)
    return digest.hexdigest()


def _written(constant: Any) -> str:
    """Return the repr of a constant, the same in every process: the order of a set is not."""
    if isinstance(constant, frozenset):
        return f"frozenset({sorted(map(_written, constant))})"
    if isinstance(constant, tuple):
        return f"({', '.join(map(_written, constant))}{',' * (len(constant) == 1)})"
    return repr(constant)
