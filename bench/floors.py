"""The floor: the same statements or commands, sent with as little around them as there can be.

Nothing here knows what a store sends. A twin of the store runs the operation, untimed, and what it sends is written
down; that is then played, timed, against a third server database in the same state, on a connection of its own:
PostgreSQL through psycopg, prepared; Redis through redis-py; SQLite and MariaDB through Django's cursor.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import redis
from botstate.contracts.stores import StateStore
from botstate.models.stores import (
    DedupEntry,
    KeyedEntry,
    KeyedHead,
    KvEntry,
    ListHead,
    ListItem,
    LockRow,
    QueueHead,
    QueueItem,
)
from botstate.stores.orm.sqlite.clock import teach_clock
from django.db import connections

from bench.databases import NAMESPACE
from bench.operations import OPERATIONS, Operation
from bench.timing import undisturbed

#: A statement with its parameters, or a command; "commit"; "autocommit" with its value.
Step = tuple[Any, ...]
Player = Callable[[Step], None]
RECORDER_NAMESPACE = f"{NAMESPACE}-recorder"
FLOOR_NAMESPACE = f"{NAMESPACE}-floor"


class Floor:
    """A contestant that plays what a recorded store has sent."""

    def __init__(
        self,
        store: StateStore,
        recording: Callable[[], AbstractContextManager[list[Step]]],
        play: Player,
        tells_autocommit: bool = True,
    ) -> None:
        self._store = store
        self._recording = recording
        self._play = play
        self._tells_autocommit = tells_autocommit
        self._made: dict[str, Operation] = {}
        self._calls: list[list[Step]] = []
        self._after: list[Step] = []

    def prepare(self, operation: str, callers: int, calls: int) -> None:
        """Record the operation, and play what comes before the calls."""
        with self._recording() as steps:
            one = self._made.get(operation)
            if one is None:
                one = self._made[operation] = OPERATIONS[operation](self._store, 0)
            one.before(calls)
        self._calls = [self._record(one.call) for _ in range(calls)]
        self._after = self._record(lambda: one.after(calls))
        self._replay(steps)

    def run(self) -> list[float]:
        """Play the calls; the time of each."""
        from bench.contestants import timed_calls  # noqa: PLC0415

        play = self._play
        waiting = iter(self._calls)

        def call() -> None:
            for step in next(waiting):
                play(step)

        return timed_calls(call, len(self._calls))

    def finish(self) -> None:
        """Play what comes after the calls."""
        self._replay(self._after)

    @property
    def statements(self) -> float:
        """How many statements, BEGIN and COMMIT included, a call of the last operation took on average."""
        return sum(map(self._count, self._calls)) / len(self._calls)

    def last_steps(self) -> list[Step]:
        """What the last call sent."""
        return self._calls[-1]

    def _count(self, steps: list[Step]) -> int:
        # A server is told about autocommit in a statement; SQLite's driver just remembers it.
        return sum(step[0] != "autocommit" or self._tells_autocommit for step in steps)

    def _record(self, call: Callable[[], None]) -> list[Step]:
        with self._recording() as steps:
            call()
        return steps

    def _replay(self, steps: list[Step]) -> None:
        with undisturbed():
            for step in steps:
                self._play(step)


def check_twins(recorder: str, floor: str) -> None:
    """Raise AssertionError unless two databases hold as many rows: the floor did what the recorder did."""
    for model in (KvEntry, LockRow, DedupEntry, ListHead, ListItem, QueueHead, QueueItem, KeyedHead, KeyedEntry):
        rows = [model._base_manager.using(alias).count() for alias in (recorder, floor)]
        if rows[0] != rows[1]:
            raise AssertionError(f"{model.__name__}: the recorder has {rows[0]} rows, the floor {rows[1]}")


def postgresql_player(url: str) -> Player:
    """Play statements on a connection of psycopg's own, prepared."""
    cursor = psycopg.connect(url, autocommit=True).cursor()

    def play(step: Step) -> None:
        cursor.execute(step[0], step[1], prepare=True)
        if cursor.description is not None:
            cursor.fetchall()

    return play


def django_player(alias: str) -> Player:
    """Play statements through Django's cursor."""
    connection: Any = connections[alias]
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        # The recorded statements call it.
        teach_clock(connection)

    def play(step: Step) -> None:
        if step[0] == "commit":
            connection._commit()
        elif step[0] == "autocommit":
            connection._set_autocommit(step[1])
        else:
            with connection.cursor() as cursor:
                cursor.execute(*step)
                if cursor.description is not None:
                    cursor.fetchall()

    return play


def redis_player(url: str) -> Player:
    """Play commands through redis-py, on keys of its own."""
    client = redis.Redis.from_url(url)

    def play(step: Step) -> None:
        getattr(client, step[0])(*step[1], **step[2])

    return play


@contextmanager
def statements_of(alias: str) -> Iterator[list[Step]]:
    """Write down what is sent to a database of Django's."""
    connection: Any = connections[alias]
    connection.ensure_connection()
    steps: list[Step] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        steps.append((sql, parameters))
        return execute(sql, parameters, many, context)

    def noting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            steps.append((name, *arguments))
            return method(*arguments)

        return noted

    connection._commit = noting("commit", connection._commit)
    connection._set_autocommit = noting("autocommit", connection._set_autocommit)
    try:
        with connection.execute_wrapper(note):
            yield steps
    finally:
        del connection._commit, connection._set_autocommit


class Noting:
    """A redis-py client that writes down which of its commands are called, with the floor's keys for the recorder's."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self.steps: list[Step] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name in ("register_script", "get_encoder", "connection_pool"):
            return method

        def noted(*arguments: Any, **options: Any) -> Any:
            self.steps.append((name, [_of_floor(each) for each in arguments], options))
            return method(*arguments, **options)

        return noted


@contextmanager
def commands_of(store: Any) -> Iterator[list[Step]]:
    """Write down what a RedisStore asks redis-py to do."""
    link = store._link
    client = link._client
    link._client = noting = Noting(client)
    try:
        yield noting.steps
    finally:
        link._client = client


def _of_floor(argument: Any) -> Any:
    recorder, floor = f"botstate:{RECORDER_NAMESPACE}:", f"botstate:{FLOOR_NAMESPACE}:"
    return argument.replace(recorder, floor) if isinstance(argument, str) else argument
