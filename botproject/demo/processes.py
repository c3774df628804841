"""Programs in process groups of their own: started, killed with SIGKILL, seen dead."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from botproject.demo.waiting import StoryEnded, wait_until

DIE_WITHIN_S = 10
PROC = Path("/proc")
#: Zombies, and what is on its way to be one.
DEAD_STATES = ("Z", "X", "x")


class Stopped(StoryEnded):
    """A program ended by itself."""


class Program:
    """A command that runs with all its children in one process group, its output in one file per start."""

    def __init__(
        self, name: str, command: Sequence[str], *, directory: Path, environment: Mapping[str, str], logs: Path
    ) -> None:
        self.name = name
        self._command = list(command)
        self._directory = directory
        self._environment = dict(environment)
        self._logs = logs
        self._starts = 0
        self._leader: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. Its group is the leader's process id."""
        self._starts += 1
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._leader = subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> Path:
        """The file of the latest start's output."""
        return self._logs / f"{self.name}-{self._starts}.log"

    def log_text(self) -> str:
        """Return the latest start's output so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def require_running(self) -> None:
        """Raise Stopped if the leader has ended. It is not reaped, so that its id stays the group's until `kill`."""
        if self._leader is not None and self._leader.pid not in self.pids():
            raise Stopped(f"the {self.name} ended by itself")

    def pids(self) -> list[int]:
        """Return the living processes of the group, the leader first."""
        return [] if self._leader is None else sorted(_living(self._leader.pid))

    def kill(self) -> list[int]:
        """Send SIGKILL to the whole group and wait until none of it lives; return who was there.

        Raises Overdue if one is still there after 10 s.
        """
        leader, pids = self._leader, self.pids()
        if leader is None:
            return []
        # The leader is reaped last, and nowhere else: until then nobody else's group can have its id.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, signal.SIGKILL)
        wait_until(lambda: not _living(leader.pid), f"the {self.name}'s death", DIE_WITHIN_S)
        leader.wait(DIE_WITHIN_S)
        self._leader = None
        return pids


def _living(group: int) -> list[int]:
    """Return the processes of a group, without the dead that nobody has reaped yet, whom a signal would still find."""
    return [pid for pid, pgid, state in _processes() if pgid == group and state not in DEAD_STATES]


def _processes() -> Iterator[tuple[int, int, str]]:
    """Yield the id, the group and the state of every process, from /proc or, where there is none, from ps."""
    if PROC.is_dir():
        for stat in PROC.glob("[0-9]*/stat"):
            # A process that ends while it is read was not there.
            with suppress(OSError):
                pid, _, rest = stat.read_text(errors="replace").partition(" ")
                state, _, pgid = rest.rpartition(")")[2].split()[:3]
                yield int(pid), int(pgid), state
        return
    columns = ["-o", "pid=", "-o", "pgid=", "-o", "stat="]
    listed = subprocess.run(["/bin/ps", "-A", *columns], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        found_pid, found_pgid, found_state = line.split()[:3]
        yield int(found_pid), int(found_pgid), found_state[0]
