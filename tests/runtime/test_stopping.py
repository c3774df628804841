"""A worker's main process is told to stop; its pool must know."""

import os
import subprocess
import sys

_WORKER = """
import os
from celery.signals import worker_init, worker_shutting_down
import botstate.tasks

def answer_of_a_child():
    # A child of the pool imports what it runs when it runs it.
    child = os.fork()
    if not child:
        from botstate.runtime.stopping import is_stopping
        os.read(told[0], 1)
        os._exit(is_stopping())
    return child

told = os.pipe()
worker_init.send(sender=None)
child = answer_of_a_child()
worker_shutting_down.send(sender="worker@host", sig="SIGTERM", how="Warm", exitcode=0)
os.write(told[1], b"!")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

# Another worker in the same process.
worker_init.send(sender=None)
child = answer_of_a_child()
os.write(told[1], b"!")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_pool_that_was_forked_sees_its_worker_stop_and_the_next_worker_does_not() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", _WORKER], check=False, capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout.split() == ["1", "0"], done.stderr
