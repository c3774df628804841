"""Forked processes: real ones, that can be frozen and killed, and take no second to start."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable

from django.db import connection

Say = Callable[[str], None]


class Fork:
    """A process that runs `act`, which may say lines to this one. It ends with SIGKILL, and cleans up nothing."""

    def __init__(self, act: Callable[[Say], None]) -> None:
        # SQLite's locks are the process's: a child must not share a connection that is open.
        connection.close()
        ours, theirs = os.pipe()
        with warnings.catch_warnings():
            # Python warns of threads that a child will miss; those of the tests' Slack are not needed there.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            _live(act, lambda line: os.write(theirs, f"{line}\n".encode()) and None)
        os.close(theirs)
        self._lines = os.fdopen(ours)
        self._is_over = False

    def next_line(self) -> str:
        """Wait for the next line; "" once the process is dead."""
        line = self._lines.readline().rstrip("\n")
        assert not line.startswith("failed: "), line
        return line

    def wait(self) -> list[str]:
        """Wait for its end; return the rest of what it said."""
        rest = list(iter(self.next_line, ""))
        self._lines.close()
        if not self._is_over:
            self._is_over = True
            _, status = os.waitpid(self.pid, 0)
            assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return rest

    def kill(self) -> None:
        """End it, however it is."""
        if not self._is_over:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._is_over = True
        self._lines.close()


def _live(act: Callable[[Say], None], say: Say) -> None:
    try:
        act(say)
    except BaseException:
        say("failed: " + traceback.format_exc().replace("\n", " | "))
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
