"""Every error that botstate raises on purpose.

    BotStateError
    ├─ StoreError                    a store could not do what it was asked
    │  ├─ StoreUnavailable           its server is down, busy or unreachable; try again later
    │  ├─ ValueUnreadable            what is stored under a key is no JSON, as where a row was changed by hand
    │  └─ NotSerializable            also a TypeError: the value is not JSON
    ├─ LockHeld                      another token holds the lock
    ├─ ActionError
    │  ├─ ActionExpired              also a LookupError: the control can no longer be resolved
    │  ├─ ActionConsumed             also a LookupError: a one-use control was used before
    │  └─ ActionDenied               also a PermissionError: the control is for others
    ├─ StateInvalid                  also a ValueError: carries pydantic's errors
    ├─ StateConflict                 the state is not at the expected version
    ├─ TurnSuperseded                the turn no longer holds its thread's lease
    ├─ LimitExceeded                 a keyed store that rejects new entries is full
    ├─ BadArgument                   also a ValueError: what a keyed store or cache was given is out of bounds
    └─ WebhookRejected               also a SuspiciousOperation: the request was not signed by the platform

    BotStateMisconfigured            an ImproperlyConfigured, apart from the tree

A bad argument (a key, a time-to-live, a bound) is a plain ValueError that names the bound.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation


class BotStateError(Exception):
    """The root of everything below.

    code: a word that names the kind of error and stays the same from version to version.
    operation: which method of a keyed store raised it, such as "register", where that is known.
    """

    code: ClassVar[str] = "error"
    operation: str | None = None


class StoreError(BotStateError):
    """A store could not do what it was asked."""

    code = "store_error"


class StoreUnavailable(StoreError):
    """The store's server is down, busy or unreachable. `__cause__` is the driver's error."""

    code = "store_unavailable"


class ValueUnreadable(StoreError):
    """What a keyed store holds under a key is no JSON, as where a row was changed by hand. Names the key, no value."""

    code = "value_unreadable"


class NotSerializable(StoreError, TypeError):
    """A value is not JSON in the strict sense of `botstate.exact_json`; nothing was written."""

    code = "not_serializable"


class LockHeld(BotStateError):
    """Another token holds the lock."""

    code = "lock_held"


class ActionError(BotStateError):
    """A click could not be carried out."""

    code = "action_error"


class ActionExpired(ActionError, LookupError):
    """The control is gone: past its retention, or no longer what the person was shown."""

    code = "action_expired"


class ActionConsumed(ActionError, LookupError):
    """The one-use control was used before."""

    code = "action_consumed"


class ActionDenied(ActionError, PermissionError):
    """The control is for others to use."""

    code = "action_denied"


class StateInvalid(BotStateError, ValueError):
    """The thread's state does not satisfy its schema; nothing was stored.

    `errors`: a list of dicts in pydantic's shape ({"type", "loc", "msg"}), without the input values.
    """

    code = "state_invalid"

    def __init__(self, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class StateConflict(BotStateError):
    """The thread's state is not at the version that the caller expected."""

    code = "state_conflict"


class TurnSuperseded(BotStateError):
    """The turn lost its thread's lease: it may not write or post any more."""

    code = "turn_superseded"


class LimitExceeded(BotStateError):
    """A keyed store that rejects new entries is full."""

    code = "limit_exceeded"


class BadArgument(BotStateError, ValueError):
    """An argument is out of bounds; the text names the bound, and nothing was touched."""

    code = "bad_argument"


class WebhookRejected(BotStateError, SuspiciousOperation):
    """A webhook was not signed by the platform. Holds neither body nor signature nor secret."""

    code = "webhook_rejected"


class BotStateMisconfigured(ImproperlyConfigured):
    """The settings or a bot's definition are wrong."""


def shown(value: object) -> str:
    """Return how an error names a bad value: its repr, cut short."""
    try:
        return repr(value)[:80]
    except ValueError:
        # Python refuses to write out integers of more than 4,300 digits.
        return f"a very long {type(value).__name__}"
