"""What is stored at the end, and where to look at it."""

import os
import shlex
import sys
from pathlib import Path

from django.db import connections

from botproject.demo.stored import Stored, clock_time
from botproject.demo.timeline import Timeline
from botstate.conf import get_settings
from botstate.models import Turn


def print_stored(timeline: Timeline, stored: Stored) -> None:
    """Print the thread, its state field by field, its turns and what they posted."""
    threads = stored.threads()
    if not threads:
        timeline.heading("Nothing is stored")
        return
    for thread in threads:
        timeline.heading(f"Thread {thread.key} of bot {thread.bot!r}, workspace {thread.workspace}")
    row = stored.state_row()
    if row is not None:
        timeline.note(f"State, version {row.version}")
        timeline.fields([(f"  {name}", repr(value)) for name, value in stored.state().items()])
        timeline.note("")
    posted = {delivery.turn_id: delivery for delivery in stored.deliveries()}
    rows = []
    for turn in stored.turns():
        delivery = posted.get(turn.pk)
        sent = f"{delivery.kind}, {delivery.status} {clock_time(delivery.sent_at)}" if delivery else ""
        rows.append(
            [turn.sequence, turn.kind, turn.status, turn.attempts, clock_time(turn.received_at), *_times(turn), sent]
        )
    timeline.table(["turn", "kind", "status", "attempts", "received", "waited", "ran", "posted"], rows)


def print_admin_hint(timeline: Timeline, var: Path) -> None:
    """Print how to see the same in the admin."""
    settings = {"DEBUG": "1", "BOTPROJECT_VAR": shown_path(var)}
    assignments = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    python = shlex.quote(shown_path(Path(sys.executable)))
    also = " (with the same DATABASE_URL)" if os.environ.get("DATABASE_URL") else ""
    timeline.heading(f"To look at it in the admin{also}")
    timeline.note(f"{assignments} {python} manage.py createsuperuser")
    timeline.note(f"{assignments} {python} manage.py runserver")
    timeline.note("http://127.0.0.1:8000/admin/")


def database_name() -> str:
    """Return what kind of database is used, without anything that is secret."""
    return connections[get_settings().database].display_name


def shown_path(path: Path) -> str:
    """Return a path as somebody in the working directory would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _times(turn: Turn) -> tuple[str, str]:
    """Return how long the turn waited, and how long it ran."""
    if turn.started_us is None:
        return "", ""
    ran = "" if turn.finished_us is None else f"{(turn.finished_us - turn.started_us) / 1_000:.0f} ms"
    return f"{(turn.started_us - turn.received_us) / 1_000:.0f} ms", ran
