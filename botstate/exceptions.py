"""Every error that botstate raises on purpose.

    BotStateError
    ├─ StoreError                    a store could not do what it was asked
    │  ├─ StoreUnavailable           its server is down, busy or unreachable; try again later
    │  └─ NotSerializable            also a TypeError: the value is not JSON
    ├─ LockHeld                      another token holds the lock
    ├─ ActionError
    │  ├─ ActionExpired              also a LookupError: the control can no longer be resolved
    │  └─ ActionConsumed             also a LookupError: a one-use control was used before
    ├─ StateInvalid                  also a ValueError: carries pydantic's errors
    ├─ StateConflict                 the state is not at the expected version
    ├─ TurnSuperseded                the turn no longer holds its thread's lease
    ├─ LimitExceeded                 a keyed store that rejects new entries is full
    └─ WebhookRejected               also a SuspiciousOperation: the request was not signed by the platform

    BotStateMisconfigured            an ImproperlyConfigured, apart from the tree

A bad argument (a key, a time-to-live, a bound) is a plain ValueError that names the bound.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation


class BotStateError(Exception):
    """The root of everything below."""


class StoreError(BotStateError):
    """A store could not do what it was asked."""


class StoreUnavailable(StoreError):
    """The store's server is down, busy or unreachable. `__cause__` is the driver's error."""


class NotSerializable(StoreError, TypeError):
    """A value is not JSON in the strict sense of `botstate.exact_json`; nothing was written."""


class LockHeld(BotStateError):
    """Another token holds the lock."""


class ActionError(BotStateError):
    """A click could not be carried out."""


class ActionExpired(ActionError, LookupError):
    """The control is gone: past its retention, or no longer what the person was shown."""


class ActionConsumed(ActionError, LookupError):
    """The one-use control was used before."""


class StateInvalid(BotStateError, ValueError):
    """The thread's state does not satisfy its schema; nothing was stored.

    `errors`: a list of dicts in pydantic's shape ({"type", "loc", "msg"}), without the input values.
    """

    def __init__(self, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class StateConflict(BotStateError):
    """The thread's state is not at the version that the caller expected."""


class TurnSuperseded(BotStateError):
    """The turn lost its thread's lease: it may not write or post any more."""


class LimitExceeded(BotStateError):
    """A keyed store that rejects new entries is full."""


class WebhookRejected(BotStateError, SuspiciousOperation):
    """A webhook was not signed by the platform. Holds neither body nor signature nor secret."""


class BotStateMisconfigured(ImproperlyConfigured):
    """The settings or a bot's definition are wrong."""


def shown(value: object) -> str:
    """Return how an error names a bad value: its repr, cut short."""
    try:
        return repr(value)[:80]
    except ValueError:
        # Python refuses to write out integers of more than 4,300 digits.
        return f"a very long {type(value).__name__}"
