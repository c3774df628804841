"""The state rows."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import QuerySet

from botstate.db.transactions import run_durable
from botstate.models import ThreadState
from botstate.threads.buffer import StateBuffer, StoredState

T = TypeVar("T")


class StateMovedError(Exception):
    """The state is `stored` now: a handler's functions are to be called on that first, outside of the transaction."""

    def __init__(self, stored: StoredState) -> None:
        super().__init__(f"the state has moved on to version {stored.version}")
        self.stored = stored


def read_state(using: str, thread_id: int) -> StoredState:
    """Return what is stored for the thread."""
    row = ThreadState.objects.using(using).filter(pk=thread_id).first()
    return StoredState(None, 0) if row is None else _stored(row)


def run_and_write(using: str, buffer: StateBuffer, operation: Callable[[], T], what: str) -> T:
    """Run `operation`, which calls `write_state` for the buffer, as `run_durable` does, and return its result.

    Functions that change the state are called again between two attempts where it has moved on, so that nothing is
    locked meanwhile; where it moves on each time, inside of the transaction in the end.
    """
    while True:
        try:
            return run_durable(using, operation, what)
        except StateMovedError as moved:
            buffer.rebase(moved.stored)


def write_state(using: str, thread_id: int, buffer: StateBuffer, now_us: int) -> StoredState | None:
    """Store a turn's changes on top of whatever is stored now, under the row's lock, and return what is stored then.

    None where there was nothing to change. Belongs in the turn's fenced transaction, inside of `run_and_write`. Raises
    StateInvalid, StateConflict, StateMovedError.
    """
    if not buffer.is_changed:
        return None
    row = _locked(ThreadState.objects.using(using), thread_id, now_us)
    current = _stored(row)
    if buffer.must_rebase(current):
        raise StateMovedError(current)
    row.value = buffer.result_on(current) or ""
    row.version += 1
    row.updated_us = now_us
    row.save(using=using, update_fields=["value", "version", "updated_us"])
    return _stored(row)


def _stored(row: ThreadState) -> StoredState:
    return StoredState(row.value or None, row.version)


def _locked(rows: "QuerySet[ThreadState]", thread_id: int, now_us: int) -> ThreadState:
    """Return the thread's row, locked; turns that run side by side may both come to make the first one."""
    row = rows.select_for_update().filter(pk=thread_id).first()
    if row is None:
        fresh = ThreadState(thread_id=thread_id, value="", version=0, updated_us=now_us)
        rows.bulk_create([fresh], ignore_conflicts=True)
        row = rows.select_for_update().get(pk=thread_id)
    return row
