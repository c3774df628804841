"""The site and the worker on this machine, and the timeline of what becomes of them."""

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from botproject.demo.processes import Program
from botproject.demo.timeline import Timeline
from botproject.demo.waiting import wait_until

PROJECT = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_S = 20
SITE_WORKERS = 2
LOG_TAIL_LINES = 25


class Stage:
    """Starts and kills the example project's two programs. In a with block, whatever happens: at its end none lives."""

    def __init__(self, var: Path, environment: Mapping[str, str], timeline: Timeline) -> None:
        self.broker = var / "broker" / "messages"
        self.port = _free_port()
        self._timeline = timeline
        self.site = self._program("site", var, environment, *self._gunicorn())
        self.worker = self._program("worker", var, environment, *self._celery())

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.site.kill()
        finally:
            self.worker.kill()

    def start(self, *programs: Program) -> None:
        """Start programs and return when they are ready."""
        for program in programs:
            program.start()
        if self.site in programs:
            wait_until(self._site_is_ready, "the site's first answer", READY_WITHIN_S)
            pids = self.site.pids()
            self._timeline.event("site", f"gunicorn answers on port {self.port}: {_named(pids)}")
        if self.worker in programs:
            wait_until(self._worker_is_ready, "the worker's readiness", READY_WITHIN_S)
            self._timeline.event("worker", f"Celery worker and beat are ready: {_named(self.worker.pids())}")

    def kill(self, *programs: Program) -> list[int]:
        """Send SIGKILL to programs and all their children, and return who is dead now."""
        killed = []
        for program in programs:
            pids = program.kill()
            killed += pids
            self._timeline.event(program.name, f"kill -9: {_named(pids)}")
        return killed

    def site_answers(self) -> bool:
        """True if the site answers a request, whatever it says."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    def empty_broker(self) -> int:
        """Delete what waits in the broker's folder and return how many messages that were."""
        taken = 0
        for message in self.broker.glob("*.msg"):
            # The broker's own clients may be faster.
            with suppress(FileNotFoundError):
                message.unlink()
                taken += 1
        return taken

    def log_tails(self) -> list[tuple[str, list[str]]]:
        """Return the name and the last lines of each program's latest log."""
        programs = (self.site, self.worker)
        return [(program.log.name, program.log_text().splitlines()[-LOG_TAIL_LINES:]) for program in programs]

    def _site_is_ready(self) -> bool:
        self.site.require_running()
        return len(self.site.pids()) > SITE_WORKERS and self.site_answers()

    def _worker_is_ready(self) -> bool:
        self.worker.require_running()
        log = self.worker.log_text()
        return " ready." in log and "beat: Starting" in log

    def _gunicorn(self) -> list[str]:
        bind = f"127.0.0.1:{self.port}"
        # Its control socket would be in the home directory, the same for every gunicorn of this user.
        return ["gunicorn", "botproject.wsgi", "--workers", str(SITE_WORKERS), "--bind", bind, "--no-control-socket"]

    def _celery(self) -> list[str]:
        # Without mingle it does not wait for other workers to introduce themselves.
        options = ["--loglevel", "INFO", "--without-mingle", "--without-gossip"]
        return ["celery", "-A", "botproject", "worker", "-P", "threads", "--concurrency", "2", "-B", *options]

    def _program(self, name: str, var: Path, environment: Mapping[str, str], *module: str) -> Program:
        command = [sys.executable, "-m", *module]
        return Program(name, command, directory=PROJECT, environment={**os.environ, **environment}, logs=var / "logs")


def _free_port() -> int:
    """Return a port that nobody listens on now; the site has it again after its restart."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _named(pids: list[int]) -> str:
    return f"{len(pids)} processes, {' '.join(map(str, pids))}"
