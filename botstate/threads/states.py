"""The state rows."""

from django.db.models import QuerySet

from botstate.models import ThreadState
from botstate.threads.buffer import StateBuffer, StoredState


def read_state(using: str, thread_id: int) -> StoredState:
    """Return what is stored for the thread."""
    row = ThreadState.objects.using(using).filter(pk=thread_id).first()
    return StoredState(None, 0) if row is None else _stored(row)


def write_state(using: str, thread_id: int, buffer: StateBuffer, now_us: int) -> StoredState | None:
    """Store a turn's changes on top of whatever is stored now, under the row's lock, and return what is stored then.

    None where there was nothing to change. Belongs in the turn's fenced transaction. Raises StateInvalid and
    StateConflict.
    """
    if not buffer.is_changed:
        return None
    row = _locked(ThreadState.objects.using(using), thread_id, now_us)
    row.value = buffer.result_on(_stored(row)) or ""
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
