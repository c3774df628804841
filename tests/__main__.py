"""`python -m tests`: the suite on SQLite, and on every database server that answers.

A server is looked for at the URL in its environment variable, else on its standard local port. What was skipped is said
in the last lines; with CI=true a missing server is a failure. Arguments go to pytest.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import redis

from tests.stores.faults import programs

CONNECT_WITHIN_S = 3
#: More than the cores that there are: many tests wait for processes, or for real time.
WORKERS = "4"


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


def run_pytest(name: str, database_url: str | None, *arguments: str) -> bool:
    """Run the suite on one database; True if it passed."""
    print(f"== {name}", flush=True)
    environment = dict(os.environ)
    environment.pop("BOTSTATE_TEST_DATABASE_URL", None)
    if database_url is not None:
        environment["BOTSTATE_TEST_DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "pytest", "-n", WORKERS, "-q", *arguments, *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def main() -> int:
    """Run everything and say what was not run."""
    passed = run_pytest("SQLite", None)
    # Redis is no database of Django's, so its tests are part of the run above.
    problem = REDIS.problem()
    skipped = [] if problem is None else [f"everything on Redis, which does not answer: {problem}"]
    skipped += [f"tests that need it: {why}" for name in programs.PACKAGES if (why := programs.problem(name))]
    for server in SERVERS:
        problem = server.problem()
        if problem is None:
            # What does not touch the database has run above.
            passed &= run_pytest(server.name, server.url, "-m", "not once")
        else:
            skipped.append(f"everything on {server.name}, which does not answer: {problem}")
    for what in skipped or ["nothing."]:
        print(f"== Skipped: {what}")
    if skipped and os.environ.get("CI") == "true":
        passed = False
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
