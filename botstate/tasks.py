"""Celery tasks. The broker carries only hints: losing a task, or running one twice, changes nothing.

The tasks import what they run when they run it, so that settings and a project's celery.py, which are loaded before
Django's models, can import BEAT_SCHEDULE from here.
"""

from collections import Counter
from typing import Any

from celery import shared_task

# Imported by a worker before it forks its pool, so that the pool sees when the worker is told to stop.
from botstate.runtime import stopping  # noqa: F401

#: For how long a worker that was stopped finds what beat has left it. It goes by the worker's clock, which may be
#: ahead of beat's: with a few seconds, a worker that is so much ahead would throw every one of them away.
_EXPIRES_S = 2 * 3_600
#: Add these to your app's beat_schedule.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "botstate.redeliver": {"task": "botstate.redeliver", "schedule": 5.0, "options": {"expires": _EXPIRES_S}},
    "botstate.sweep": {"task": "botstate.sweep", "schedule": 60.0, "options": {"expires": _EXPIRES_S}},
}


@shared_task(name="botstate.run_turns", ignore_result=True)
def run_turns(thread_ids: list[int]) -> dict[str, int]:
    """Run the waiting turns of these threads and return how many ended how; ring again for unfinished ones."""
    from botstate.runtime.doorbell import publish
    from botstate.runtime.worker import Drained, run_threads

    ends = run_threads(thread_ids)
    publish([thread_id for thread_id, end in ends.items() if end is Drained.UNFINISHED])
    return dict(Counter(end.value for end in ends.values()))


@shared_task(name="botstate.redeliver", ignore_result=True)
def redeliver() -> int:
    """Ring for every thread that has something due and no live lease, and return how many; end overdue choices."""
    from botstate.runtime.choices import end_overdue_choices
    from botstate.runtime.redeliver import ring_for_due_threads

    end_overdue_choices()
    return ring_for_due_threads()


@shared_task(name="botstate.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """Delete what has expired, in every store and table; return how many rows, by kind."""
    from botstate.runtime.sweep import sweep_all

    return sweep_all()
