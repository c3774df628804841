"""Whether this worker was told to stop, so that it finishes the turn that runs and hands back the rest.

Celery tells its main process; the children of a prefork pool see it in memory that they share with it. So the main
process must have imported this before it forks: `botstate.tasks` does, which every worker imports first.
"""

import mmap
from typing import Any

from celery.signals import worker_init, worker_shutting_down

_flag = mmap.mmap(-1, 1)


def is_stopping() -> bool:
    """True once Celery has begun to shut this worker down."""
    return _flag[0] == 1


@worker_init.connect(weak=False)
def _start(**kwargs: Any) -> None:
    """Begin anew: this process may have run a worker before, or share its memory with the one that forked it."""
    global _flag  # noqa: PLW0603  # one per process, as its worker is
    _flag = mmap.mmap(-1, 1)


@worker_shutting_down.connect(weak=False)
def _stop(**kwargs: Any) -> None:
    _flag[0] = 1
