"""`python -m tests`: the suite on SQLite, and on every database server that answers.

A server is looked for at the URL in its environment variable, else on its standard local port. What was skipped is said
in the last lines. The three run beside each other, without what is marked long; with --all, or CI=true, one after
another, with everything. With CI=true a missing server is a failure. Other arguments go to pytest.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import redis

from tests.stores.faults import programs

CONNECT_WITHIN_S = 3
#: More than the cores that there are: many tests wait for processes, or for real time.
ALONE = "4"
BESIDE_OTHERS = {"SQLite": "2", "PostgreSQL": "2", "MariaDB": "2"}


@dataclass(frozen=True)
class Server:
    """A database server to test on. `connect` raises where it does not answer."""

    name: str
    variable: str
    default_url: str
    connect: Callable[[str], Any]

    @property
    def url(self) -> str:
        """Where it is."""
        return os.environ.get(self.variable, self.default_url)

    def problem(self) -> str | None:
        """Return None if it answers, else why it does not."""
        try:
            self.connect(self.url).close()
        except (psycopg.Error, pymysql.Error, redis.RedisError) as error:
            return str(error).strip().splitlines()[-1]
        return None


def connect_to_postgresql(url: str) -> Any:
    """Open a connection."""
    return psycopg.connect(url, connect_timeout=CONNECT_WITHIN_S)


def connect_to_mariadb(url: str) -> Any:
    """Open a connection."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
        connect_timeout=CONNECT_WITHIN_S,
    )


def connect_to_redis(url: str) -> Any:
    """Open a connection."""
    client = redis.Redis.from_url(url, socket_connect_timeout=CONNECT_WITHIN_S)
    client.ping()
    return client


REDIS = Server("Redis", "BOTSTATE_TEST_REDIS_URL", "redis://127.0.0.1:6379", connect_to_redis)
SERVERS = [
    Server(
        "PostgreSQL",
        "BOTSTATE_TEST_POSTGRESQL_URL",
        "postgresql://postgres@127.0.0.1:5432/postgres",
        connect_to_postgresql,
    ),
    Server("MariaDB", "BOTSTATE_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test", connect_to_mariadb),
]


class Run:
    """The suite on one database, in a process of its own. conditions: on the tests' marks, all of which must hold."""

    def __init__(self, name: str, database_url: str | None, *conditions: str) -> None:
        self.name = name
        self._markers = ["-m", " and ".join(conditions)] if conditions else []
        self._environment = dict(os.environ)
        self._environment.pop("BOTSTATE_TEST_DATABASE_URL", None)
        if database_url is not None:
            self._environment["BOTSTATE_TEST_DATABASE_URL"] = database_url

    def passes(self) -> bool:
        """Run it and show it; True if it passed."""
        print(f"== {self.name}", flush=True)
        return subprocess.run(self._command(ALONE), env=self._environment, check=False).returncode == 0

    def start(self, directory: Path) -> None:
        """Start it beside others, with files of its own."""
        self._output = directory / f"{self.name}.txt"
        environment = {**self._environment, "BOTPROJECT_VAR": str(directory / self.name)}
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                self._command(BESIDE_OTHERS[self.name]), env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def has_passed(self) -> bool:
        """Wait for its end and show what it said; True if it passed."""
        passed = self._process.wait() == 0
        print(f"== {self.name}\n{self._output.read_text()}", flush=True)
        return passed

    def kill(self) -> None:
        """End it, if it is still running."""
        self._process.kill()
        self._process.wait()

    def _command(self, workers: str) -> list[str]:
        return [sys.executable, "-m", "pytest", "-n", workers, "-q", *self._markers, *sys.argv[1:]]


def main() -> int:
    """Run everything and say what was not run."""
    is_ci = os.environ.get("CI") == "true"
    runs_all = is_ci or "--all" in sys.argv
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != "--all"]
    # Redis is no database of Django's, so its tests are part of the run on SQLite.
    problem = REDIS.problem()
    skipped = [] if problem is None else [f"everything on Redis, which does not answer: {problem}"]
    skipped += [f"tests that need it: {why}" for name in programs.PACKAGES if (why := programs.problem(name))]
    short = [] if runs_all else ["not long"]
    runs = [Run("SQLite", None, *short)]
    for server in SERVERS:
        problem = server.problem()
        if problem is None:
            # What does not touch the database has run above.
            runs.append(Run(server.name, server.url, "not once", *short))
        else:
            skipped.append(f"everything on {server.name}, which does not answer: {problem}")
    if runs_all:
        failed = [run.name for run in runs if not run.passes()]
    else:
        skipped.insert(0, "what is marked long, kills and crashes above all: `make test-all` runs it")
        failed = _run_together(runs)
    for what in skipped or ["nothing."]:
        print(f"== Skipped: {what}")
    for name in failed:
        print(f"== Failed: {name}")
    return 1 if failed or (skipped and is_ci) else 0


def _run_together(runs: list[Run]) -> list[str]:
    """Run them beside each other and return the names of those that failed."""
    with tempfile.TemporaryDirectory(prefix="botstate-tests-") as directory:
        try:
            for run in runs:
                run.start(Path(directory))
            return [run.name for run in runs if not run.has_passed()]
        finally:
            for run in runs:
                run.kill()


if __name__ == "__main__":
    sys.exit(main())
