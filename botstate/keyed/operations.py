"""What every method of a keyed store does around its work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.exceptions import SynchronousOnlyOperation

from botstate import event_loop
from botstate.exceptions import BadArgument, BotStateError

P = ParamSpec("P")
R = TypeVar("R")


def operation(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Refuse to block an event loop, and let what is raised name the method."""
    name = method.__name__

    @wraps(method)
    def checked(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        refuse_to_block(name)
        # Not `naming`: a generator would take a fifth of the Python around a lookup.
        try:
            return method(self, *args, **kwargs)
        except BotStateError as error:
            _name(error, name)
            raise
        except ValueError as error:
            raise _bad_argument(error, name) from None

    return checked


def refuse_to_block(name: str) -> None:
    """Raise SynchronousOnlyOperation on a running event loop."""
    if event_loop.is_running():
        raise SynchronousOnlyOperation(f"keyed.{name} would block the event loop: use keyed.a{name}")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let what is raised name the operation; a plain ValueError becomes a BadArgument, which is one too."""
    try:
        yield
    except BotStateError as error:
        _name(error, name)
        raise
    except ValueError as error:
        raise _bad_argument(error, name) from None


def _name(error: BotStateError, name: str) -> None:
    if error.operation is None:
        error.operation = name


def _bad_argument(error: ValueError, name: str) -> BadArgument:
    bad = BadArgument(str(error))
    bad.operation = name
    return bad
