"""The state rows."""

from botstate.models import ThreadState
from botstate.threads.buffer import StateBuffer, StoredState


def write_state(using: str, thread_id: int, buffer: StateBuffer, now_us: int) -> None:
    """Store a turn's changes on top of whatever is stored now, under the row's lock.

    Belongs in the turn's fenced transaction, which makes the writers of a thread's first state one at a time.
    """
    if not buffer.is_changed:
        return
    rows = ThreadState.objects.using(using)
    row = rows.select_for_update().filter(pk=thread_id).first()
    if row is None:
        text = buffer.result_on(StoredState(None, 0))
        rows.create(thread_id=thread_id, value=text, version=1, updated_us=now_us)
        return
    row.value = buffer.result_on(StoredState(row.value, row.version))
    row.version += 1
    row.updated_us = now_us
    row.save(using=using, update_fields=["value", "version", "updated_us"])
