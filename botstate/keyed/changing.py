"""What `update` does to a value."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from botstate import exact_json
from botstate.contracts.facet import value_of
from botstate.exceptions import BotStateError, ValueUnreadable
from botstate.types import Json


class _Unchanged:
    def __repr__(self) -> str:
        return "UNCHANGED"


#: What a function given to `update` returns to leave the entry as it is.
UNCHANGED: Final = _Unchanged()


class Change:
    """The caller's function as a store calls it, on texts, and what came of its last call.

    It raises nothing itself: for an error amid the work of a store, the caller's transaction would be lost.
    outcome: what is there now. raised: what the function raised. refused: why what is there cannot be
    read, or what it returned cannot be stored.
    """

    def __init__(self, fn: Callable[[Any], Any], default: Json, text_of: Callable[[object], str], key: str) -> None:
        self._fn = fn
        self._default = default
        self._text_of = text_of
        self._key = key
        self.outcome: Json = default
        self.raised: Exception | None = None
        self.refused: Exception | None = None

    def __call__(self, text: str | None) -> str | None:
        """Return the text to store in place of `text`; None to store nothing."""
        self.raised = self.refused = None
        self.outcome = self._default
        try:
            if text is not None:
                self.outcome = value_of(self._key, text)
        except ValueUnreadable as error:
            self.refused = error
            return None
        try:
            changed = self._fn(_copied(self._default) if text is None else exact_json.loads(text))
        except Exception as error:
            self.raised = error
            return None
        if changed is UNCHANGED:
            return None
        try:
            new_text = self._text_of(changed)
        except (BotStateError, ValueError) as error:
            self.refused = error
            return None
        self.outcome = exact_json.loads(new_text)
        return new_text


def _copied(default: Json) -> Json:
    """Return what the function may change in place, each time from the beginning."""
    return deepcopy(default) if isinstance(default, (list, dict)) else default
