"""A site, workers and a Slack of their own, on the test database."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from botproject.demo.processes import Program
from botproject.demo.slack_api import SlackWebApi
from botproject.demo.slack_client import SlackClient
from botproject.demo.slack_workspace import SlackWorkspace
from botproject.demo.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
SECRET, TOKEN = "processes' secret", "xoxb-processes"
READY_WITHIN_S = 30


def database_url() -> str:
    """Return the test database's URL, for other processes."""
    configured = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{configured['NAME']}"
    user, host, port = configured["USER"], configured["HOST"], configured["PORT"]
    return f"{connection.vendor}://{user}@{host}:{port}/{configured['NAME']}"


class Stage:
    """Starts and kills processes; says what they left behind."""

    def __init__(self, directory: Path, api: SlackWebApi) -> None:
        self.directory = directory
        self.api = api
        self.workspace = SlackWorkspace()
        self._programs: list[Program] = []

    def start_site(self, *, workers: int = 2, clock: str = "", **environment: str) -> SlackClient:
        """Start gunicorn on a free port, wait until it answers, and return Slack's side of it.

        clock: how far off its host's clock is, as faketime wants it, such as "+1h".
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        gunicorn = ["-m", "gunicorn", "botproject.wsgi", "--preload", "--no-control-socket", "--workers", str(workers)]
        site = self._start("site", [*gunicorn, "--bind", f"127.0.0.1:{port}"], environment, clock)
        wait_until(lambda: site.require_running() or _answers(port), "the site", READY_WITHIN_S)
        return SlackClient(port, SECRET)

    def start_worker(self, pool: str = "threads", *, beat: bool = True, clock: str = "", **environment: str) -> Program:
        """Start a worker and wait until it is ready. Without beat, nothing rings a second time for what waits.

        clock: as that of a site.
        """
        celery = [
            "-m",
            "celery",
            "-A",
            "botproject",
            "worker",
            "-P",
            pool,
            "-c",
            "2",
            *(["-B", *self._schedule] if beat else []),
            "-l",
            "INFO",
        ]
        worker = self._start(f"worker-{len(self._programs)}", celery, environment, clock)
        wait_until(lambda: worker.require_running() or "ready." in worker.log_text(), "the worker", READY_WITHIN_S)
        return worker

    def start_beat(self) -> None:
        """Start a beat of its own, as a project has it whose workers run on several hosts."""
        self._start("beat", ["-m", "celery", "-A", "botproject", "beat", *self._schedule], {}, "")

    @property
    def _schedule(self) -> list[str]:
        return ["-s", str(self.directory / "schedule")]

    def traces(self) -> list[str]:
        """Return the lines that handlers have left."""
        file = self.directory / "traces"
        return file.read_text().splitlines() if file.exists() else []

    def wait_for_trace(self, line: str, within_s: float = 30) -> None:
        """Wait until a handler has left this line."""
        wait_until(lambda: line in self.traces(), f"the trace {line!r}", within_s)

    def message(self, text: str, thread_ts: str | None = None) -> dict[str, Any]:
        """Return the event of somebody writing `text`."""
        mention = self.workspace.mention("U1", text, thread_ts)
        mention["event"]["text"] = text
        mention["event"]["type"] = "message"
        return mention

    def kill_all(self) -> None:
        for program in self._programs:
            program.kill()
            # pytest shows it of a test that failed.
            sys.stdout.write(f"== {program.name}\n{program.log_text()[-5_000:]}\n")

    def _start(self, name: str, command: list[str], environment: Mapping[str, str], clock: str) -> Program:
        # Its monotonic clock is right, as heartbeats go by that one; and so are the times of files.
        off = ["faketime", "-m", "--exclude-monotonic", "-f", clock] if clock else []
        program = Program(
            name,
            [*off, sys.executable, *command],
            directory=ROOT,
            environment={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.processes.settings",
                "DATABASE_URL": database_url(),
                "BOTPROJECT_VAR": str(self.directory),
                "SLACK_SIGNING_SECRET": SECRET,
                "SLACK_BOT_TOKEN": TOKEN,
                "SLACK_API_URL": self.api.url,
                **({"NO_FAKE_STAT": "1", "PYTHONPATH": str(Path(__file__).parent / "clocks")} if clock else {}),
                **environment,
            },
            logs=self.directory / "logs",
        )
        program.start()
        self._programs.append(program)
        return program


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def stage(transactional_db: None, tmp_path: Path) -> Iterator[Stage]:
    """Processes that are dead when the test is over."""
    with SlackWebApi(TOKEN) as api:
        stage = Stage(tmp_path, api)
        try:
            yield stage
        finally:
            stage.kill_all()
