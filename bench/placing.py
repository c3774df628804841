"""On which core a session of PostgreSQL runs: on the client's, a short read takes less than half the time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connections


@contextmanager
def sessions_apart(*aliases: str) -> Iterator[None]:
    """Keep this process on one core and its sessions on another, where the server is here and the system lets us."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield
        return
    with suppress(PermissionError):
        for alias in aliases:
            session = _session_of(alias)
            if session is not None:
                os.sched_setaffinity(session, cores[1:])
                os.sched_setaffinity(0, cores[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _session_of(alias: str) -> int | None:
    """Return the process that serves this thread's connection; None where it is none of this machine's."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        session = int(cursor.fetchone()[0])
    name = Path(f"/proc/{session}/comm")
    return session if name.exists() and name.read_text().strip() == "postgres" else None
