"""The site and the workers: started, killed, and started again when they end by themselves, as a supervisor would."""

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from botproject.demo.processes import Program, Stopped
from botproject.demo.waiting import wait_until

ROOT = Path(__file__).parent.parent
READY_WITHIN_S = 60


@dataclass(frozen=True)
class WorkerKind:
    """How a worker is started. acks_late makes no difference to what is kept, so a run has both.

    is_killed: whether all its processes at once are among what faults kill.
    """

    pool: str
    concurrency: int = 2
    acks_late: bool = False
    beat: bool = False
    is_killed: bool = True


class Crew:
    """One site, and one worker of each kind. In a with block, at whose end none lives."""

    def __init__(self, directory: Path, environment: Mapping[str, str], kinds: Sequence[WorkerKind]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = int(server.getsockname()[1])
        self.ended_by_themselves: list[str] = []
        self._directory = directory
        self._environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "soak.settings", **environment}
        gunicorn = ["gunicorn", "botproject.wsgi", "--preload", "--no-control-socket", "--workers", "2"]
        self.site = self._program("site", [*gunicorn, "--bind", f"127.0.0.1:{self.port}"])
        self.workers = [self._worker(number, kind) for number, kind in enumerate(kinds)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start all, and return when all are ready."""
        for program in self._all():
            program.start()
        wait_until(self._is_ready, "the site's and the workers' readiness", READY_WITHIN_S)

    def kill(self) -> None:
        """Kill all, each even if another cannot be."""
        with ExitStack() as stack:
            for program in self._all():
                stack.callback(program.kill)

    def tend(self) -> None:
        """Start again what has ended by itself, and remember that it did."""
        for program in self._all():
            try:
                program.require_running()
            except Stopped:
                self.ended_by_themselves.append(f"{program.log.name} ({_last_words(program)})")
                program.kill()
                program.start()

    def start_again(self, program: Program) -> bool:
        """Start a program that was killed; False if it runs."""
        if program.pids():
            return False
        program.kill()
        program.start()
        return True

    def restore(self) -> None:
        """Start what does not run."""
        for program in self._all():
            self.start_again(program)

    def kill_child(self, program: Program, pick: int) -> bool:
        """Kill one process of a program that is not its first; False if it has none."""
        children = program.pids()[1:]
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(children[pick % len(children)], signal.SIGKILL)
        return True

    def _is_ready(self) -> bool:
        for program in self._all():
            program.require_running()
        with socket.socket() as probe:
            is_listening = probe.connect_ex(("127.0.0.1", self.port)) == 0
        return is_listening and all("ready." in worker.log_text() for worker in self.workers)

    def _all(self) -> list[Program]:
        return [self.site, *self.workers]

    def _worker(self, number: int, kind: WorkerKind) -> Program:
        name = f"worker{number}"
        options = ["-P", kind.pool, "-c", str(kind.concurrency), "-n", f"{name}@soak", "-l", "INFO"]
        beat = ["-B", "-s", str(self._directory / f"schedule-{name}")] if kind.beat else []
        celery = ["celery", "-A", "botproject", "worker", *options, *beat, "--without-mingle", "--without-gossip"]
        return self._program(name, celery, SOAK_ACKS_LATE="1" if kind.acks_late else "0")

    def _program(self, name: str, module: list[str], **environment: str) -> Program:
        return Program(
            name,
            [sys.executable, "-m", *module],
            directory=ROOT,
            environment={**self._environment, **environment},
            logs=self._directory / "logs",
        )


def _last_words(program: Program) -> str:
    """Return the last line of its log that says why it ended, or else the last one."""
    lines = [line.strip() for line in program.log_text().splitlines() if line.strip()]
    reasons = [line for line in lines if "CRITICAL" in line] or lines
    return reasons[-1] if reasons else "without a word"
