"""Celery tasks. The broker carries only hints: losing a task, or running one twice, changes nothing.

The tasks import what they run when they run it, so that settings and a project's celery.py, which are loaded before
Django's models, can import BEAT_SCHEDULE from here.
"""

from collections import Counter
from typing import Any

from celery import shared_task

#: Add these to your app's beat_schedule. Each run expires before the next, so a stopped worker finds no pile of them.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "botstate.redeliver": {"task": "botstate.redeliver", "schedule": 5.0, "options": {"expires": 5}},
    "botstate.sweep": {"task": "botstate.sweep", "schedule": 60.0, "options": {"expires": 60}},
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
    """Ring for every thread that has something due and no live lease; return how many."""
    from botstate.runtime.redeliver import ring_for_due_threads

    return ring_for_due_threads()


@shared_task(name="botstate.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """Delete what has expired, in every store and table; return how many rows, by kind."""
    from botstate.runtime.sweep import sweep_all

    return sweep_all()
