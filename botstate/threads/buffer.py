"""A turn's own view of its thread's state: what is stored, and the changes that are not stored yet."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botstate.exceptions import StateConflict
from botstate.threads.schema import State, StateSchema

Change = Callable[[State], State]
#: From the text of a state to that of the changed one. What a change was given is kept as text in it: what the
#: handler does to it later changes nothing.
Rewrite = Callable[[str], str]
#: So often a handler's functions are called again without a lock on a state that moves on and on.
MAX_REBASES = 3


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the database holds: exact JSON text and its version; version 0 before the first write.

    The text is None where nothing is stored: before the first write, or since the state was cleared.
    """

    text: str | None
    version: int


class StateBuffer:
    """Collects a turn's changes of state, each validated when it is made, readable by the turn at once.

    They are kept as changes, not as a result: where the stored state has moved on meanwhile, `result_on` makes them
    again on what it is then, so that patches of different fields both survive.

    Threads may share it: changes are made one at a time. A function that changes the state may read it, and must not
    wait for another thread that changes it.
    """

    def __init__(self, schema: StateSchema, stored: StoredState) -> None:
        self._schema = schema
        self._lock = threading.RLock()
        self._stored = stored
        self._changes: list[Rewrite] = []
        self._text = stored.text
        self._initial: str | None = None
        self._expects_version = False
        #: True if what is stored makes no difference, because all of it has been replaced, or forgotten.
        self._is_whole = False
        self._has_functions = False
        self._rebases = 0

    @property
    def is_changed(self) -> bool:
        """True once there is something to write."""
        return self._is_whole or bool(self._changes)

    @property
    def version(self) -> int:
        """The version of the stored state that this began with."""
        return self._stored.version

    def read(self) -> State:
        """Return a fresh copy of the state with this turn's changes. Raises StateInvalid."""
        return self._schema.load(self._current())

    def patch(self, patch: Mapping[str, Any]) -> None:
        """Replace top-level fields. The first patch of a thread without state may give fields that have no default."""
        with self._lock:
            is_first = self._text is None and self._initial is None
            patched = self._schema.begin(patch) if is_first else self._schema.merge(self.read(), patch)
            text = self._schema.dump(patched)
            fields = self._schema.fields(text, patch)
            self._text = text
            self._changes.append(lambda text: self._schema.rewritten(text, fields))

    def replace(self, value: Any) -> None:
        """Replace the whole state, readable or not."""
        with self._lock:
            self._text = self._schema.dump(self._schema.replacement(value))
            self._is_whole, self._changes = True, []

    def update(self, change: Change) -> None:
        """Replace the whole state by what `change` makes of it; it may be called again on a newer state."""

        def rewrite(text: str) -> str:
            return self._schema.dump(self._schema.replacement(change(self._schema.load(text))))

        with self._lock:
            self._text = rewrite(self._current())
            self._changes.append(rewrite)
            self._has_functions = True

    def clear(self) -> None:
        """Forget the state, readable or not: the thread is as it was before its first write."""
        with self._lock:
            self._is_whole, self._changes, self._text, self._initial = True, [], None, None

    def check_version(self, version: int | None) -> None:
        """Raise StateConflict unless the state is at `version` now; None is any."""
        if version is not None and version != self._stored.version:
            raise StateConflict(f"the state is at version {self._stored.version}, not {version}")

    def expect_version(self, version: int | None) -> None:
        """Raise StateConflict unless the state is at `version`, now and when it is stored; None expects nothing."""
        self.check_version(version)
        if version is not None:
            self._expects_version = True

    def result_on(self, current: StoredState) -> str | None:
        """Return the text to store, None for no state, given what is stored now. Raises StateInvalid, StateConflict."""
        if self._expects_version and current.version != self._stored.version:
            raise StateConflict(f"the state moved from version {self._stored.version} to {current.version}")
        if self._is_whole or (current == self._stored and self._text is not None):
            return self._text
        text = self._default() if current.text is None else current.text
        for change in self._changes:
            text = change(text)
        return text

    def must_rebase(self, current: StoredState) -> bool:
        """True if functions must be called on `current`, and that may yet be tried without holding its lock."""
        has_to_call = self._has_functions and not self._is_whole and current != self._stored
        return has_to_call and self._rebases < MAX_REBASES

    def rebase(self, current: StoredState) -> None:
        """Make the changes again on what is stored now. Raises StateInvalid, StateConflict, what functions raise."""
        with self._lock:
            self._text = self.result_on(current)
            self._stored = current
            self._rebases += 1

    def _current(self) -> str:
        text = self._text
        return self._default() if text is None else text

    def _default(self) -> str:
        """Return the text of the schema's default; one that is made anew each time is the same throughout the turn."""
        with self._lock:
            if self._initial is None:
                self._initial = self._schema.dump(self._schema.initial())
            return self._initial
