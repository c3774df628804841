"""The site and the worker: each in a process group of its own, killed as a whole when it has been timed."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botproject.demo.processes import Program, Stopped
from botproject.demo.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
SITE_WORKERS = 2
READY_WITHIN_S = 30


@contextmanager
def site(logs: Path, **others: str) -> Iterator[int]:
    """Give the port of a gunicorn that answers; `others` are what it is told instead of what the rest of the run is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gunicorn = ["gunicorn", "bench.runtime.wsgi", "--no-control-socket", "--workers", str(SITE_WORKERS)]
    with _running("site", [*gunicorn, "--bind", f"127.0.0.1:{port}"], logs, others) as program:
        wait_until(lambda: program.require_running() or _answers(port), "the site", READY_WITHIN_S)
        yield port


@contextmanager
def worker(logs: Path, pool: str) -> Iterator[Program]:
    """Start a Celery worker; it begins with what already waits for it."""
    celery = ["celery", "-A", "bench.runtime.worker", "worker", "--loglevel", "WARNING", "--pool", pool]
    # What it would tell other workers, and the processes of a pool that has some.
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--concurrency", "2"]
    with _running(f"worker-{pool}", [*celery, *quiet], logs, {}) as program:
        yield program


@contextmanager
def silent_broker() -> Iterator[str]:
    """Give the URL of a server that accepts every connection and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1_000)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@contextmanager
def _running(name: str, module: list[str], logs: Path, others: dict[str, str]) -> Iterator[Program]:
    command = [sys.executable, "-m", *module]
    program = Program(name, command, directory=ROOT, environment={**os.environ, **others}, logs=logs)
    try:
        program.start()
        yield program
    except Stopped as error:
        raise Stopped(f"{error}:\n{program.log_text()[-2_000:]}") from error
    finally:
        program.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
