"""Races between eight processes on one Redis: the tests of `tests.stores.test_races`, with other racers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from uuid import uuid4

import pytest

from botstate.stores import RedisStore
from tests.stores import test_races
from tests.stores.racers import RACERS, ROOT, Racers
from tests.stores.redis.server import ALIAS, DATABASE, REDIS_URL, cache_at, clean

pytestmark = pytest.mark.processes

globals().update({name: value for name, value in vars(test_races).items() if name.startswith("test_")})


class RedisRacers(Racers):
    """Processes that have a RedisStore of `namespace`."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.pipes = []
        self.processes = []
        caches = json.dumps({"default": cache_at(f"{REDIS_URL}/{DATABASE}")})
        for _ in range(RACERS):
            ours, theirs = Pipe()
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.stores.redis.racer", str(theirs.fileno())],
                cwd=ROOT,
                env=os.environ | {"BOTSTATE_RACE_DATABASE": caches, "BOTSTATE_RACE_NAMESPACE": namespace},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)
        self._answers()


@pytest.fixture(scope="module")
def racers() -> Iterator[RedisRacers]:
    started = RedisRacers(f"test-{uuid4().hex}")
    yield started
    started.close()


@pytest.fixture
def store(racers: RedisRacers, use_redis: Callable[..., None]) -> Iterator[RedisStore]:
    yield RedisStore(ALIAS, namespace=racers.namespace)
    clean(racers.namespace)


@pytest.fixture(autouse=True)
def emptied(store: RedisStore) -> None:
    """Every test finds the namespace empty, also those that do not ask for the store."""
