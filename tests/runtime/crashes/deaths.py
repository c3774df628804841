"""Two ways for a process to die: for real, and as nobody outside of it could tell from that.

A process touches the world by its database connection, by requests to the platform and by the doorbell. In `simulated`
all three go through `Process.step`, and once it is dead each of them raises: whatever `finally` and `except` blocks do
while the exception passes through them, nothing leaves. Its connection is its own, and is cut without a word, so that
the server sees what it sees of a killed process: the end of the stream. What it kept in memory is forgotten.
`killed` is a forked process that sends itself SIGKILL: it takes several times as long, and confirms that `simulated` is
right.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connection, connections

from botstate.actions.resolving import hot_controls
from tests.runtime.crashes.steps import Died, Process
from tests.runtime.forks import Fork, Say

#: What Django asks a server once per connection object, which a new one would ask in the middle of the steps.
_KNOWN_OF_THE_SERVER = ("mysql_server_data", "mysql_server_info", "pg_version", "features")

current: Process | None = None


def step(name: str) -> None:
    """Come to a step of the process that this is, if it is one that may die."""
    if current is not None:
        current.step(name)


@contextmanager
def own_connection(process: Process) -> Iterator[None]:
    """Give the process a connection of its own, whose statements are its steps."""
    global current
    alias = connection.alias
    before = connections[alias]
    own: Any = before.copy()
    own.__dict__.update({name: before.__dict__[name] for name in _KNOWN_OF_THE_SERVER if name in before.__dict__})
    connections[alias] = own
    own.ensure_connection()
    driver = own.connection
    own._commit = partial(process.commit, own._commit)
    own._rollback = partial(process.roll_back, own._rollback)
    own._set_autocommit = partial(process.set_autocommit, own._set_autocommit)
    own.execute_wrappers.append(process.execute)
    current = process
    try:
        yield
    finally:
        current = None
        connections[alias] = before
        _cut(driver)


def _cut(driver: Any) -> None:
    """End a connection as the kernel does for a process that is gone."""
    if connection.vendor == "sqlite":
        driver.close()
        return
    handle = os.dup(driver.pgconn.socket if connection.vendor == "postgresql" else driver._sock.fileno())
    with socket.socket(fileno=handle) as stream:
        stream.shutdown(socket.SHUT_RDWR)
    if connection.vendor == "postgresql":
        driver.close()
    else:
        driver._force_close()


def simulated(act: Callable[[], None], dies_at: int | None, counts_reads: bool) -> Process:
    """Let a process act that dies in this one. Returns what became of it."""
    process = Process(dies_at, counts_reads)
    try:
        with own_connection(process):
            act()
    except Died:
        assert process.is_dead
    else:
        assert not process.is_dead, "something in it outlived its own death"
    hot_controls.clear()
    return process


class _Killed(Process):
    """Says each of its steps, as it cannot later."""

    def __init__(self, dies_at: int | None, counts_reads: bool, say: Say) -> None:
        super().__init__(dies_at, counts_reads)
        self._say = say

    def step(self, name: str) -> None:
        super().step(name)
        self._say(name)

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def killed(act: Callable[[], None], dies_at: int | None, counts_reads: bool) -> Process:
    """Let a forked process act, which is killed with SIGKILL, at its end if not before."""

    def live(say: Say) -> None:
        child = _Killed(dies_at, counts_reads, say)
        with own_connection(child):
            act()
            child.die()

    process = Process(dies_at, counts_reads)
    process.steps = Fork(live).wait()
    process.is_dead = len(process.steps) == dies_at
    return process
