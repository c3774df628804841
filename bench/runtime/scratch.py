"""The run's database and its keys in Redis: made here, emptied here, and gone at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import redis
from psycopg import sql

from bench.databases import POSTGRESQL_URL, REDIS_URL, name_of
from bench.runtime import environment


class Scratch:
    """A database that copies can be kept of, so that every measurement finds the same rows."""

    def __init__(self, run: str) -> None:
        self._run = run
        self.database = name_of(run, "runtime")
        self.key_prefix = f"bench-runtime:{run}:"
        self._kept: list[str] = []

    def create(self) -> None:
        """Make the database, with botstate's tables."""
        from django.core.management import call_command  # noqa: PLC0415

        self._execute("CREATE DATABASE {}", self.database)
        call_command("migrate", verbosity=0)

    def keep(self, name: str) -> None:
        """Keep a copy of the database as it is now."""
        self._disconnect()
        kept = name_of(self._run, name)
        self._kept.append(kept)
        self._execute("CREATE DATABASE {} TEMPLATE {}", kept, self.database)

    def restore(self, name: str) -> None:
        """Make the database as it was when it was kept under `name`, and forget all messages."""
        self._disconnect()
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database)
        self._execute("CREATE DATABASE {} TEMPLATE {}", self.database, name_of(self._run, name))
        self.drop_keys()

    def drop_keys(self) -> None:
        """Delete the broker's messages."""
        with redis.Redis.from_url(REDIS_URL) as client:
            for key in client.scan_iter(match=f"{self.key_prefix}*", count=1_000):
                client.unlink(key)

    def drop(self) -> None:
        """Delete everything."""
        self._disconnect()
        for database in (self.database, *self._kept):
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
        self.drop_keys()

    def _disconnect(self) -> None:
        from django.db import connections  # noqa: PLC0415

        connections.close_all()

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(POSTGRESQL_URL, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def scratch(run: str, marks: str) -> Iterator[Scratch]:
    """Set Django up on a database of this run, which is gone afterwards."""
    import django  # noqa: PLC0415

    made = Scratch(run)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "bench.runtime.settings",
        environment.DATABASE: made.database,
        environment.BROKER: REDIS_URL,
        environment.KEY_PREFIX: made.key_prefix,
        environment.MARKS: marks,
    }
    django.setup()
    # So that whoever rings in this process rings in Redis.
    import bench.runtime.worker  # noqa: F401, PLC0415

    try:
        made.create()
        yield made
    finally:
        made.drop()
