"""Races between eight processes on one Redis: the tests of `tests.stores.test_races`, with other racers."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from uuid import uuid4

import pytest

from botstate.keyed import open_keyed_store
from botstate.stores import RedisStore
from tests.stores import test_races
from tests.stores.racers import RACERS, ROOT, Racers
from tests.stores.redis.server import ALIAS, DATABASE, REDIS_URL, cache_at, clean
from tests.stores.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.processes]

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


ROUNDS = 12
COUNT = 60
BOUND = 5


def test_one_winner_per_claim_and_per_consume_of_an_entry(racers: RedisRacers, store: RedisStore) -> None:
    def call(method: str, *arguments: object) -> Counter[object]:
        return Counter(racers.run(("entry", {"options": {}, "method": method, "arguments": list(arguments)})))

    for _ in range(ROUNDS):
        assert call("register_if_absent", "key", 1) == {True: 1, False: RACERS - 1}
        assert call("compare_and_set", "key", 1, 2) == {True: 1, False: RACERS - 1}
        assert call("consume", "key", "gone") == {2: 1, "gone": RACERS - 1}


@pytest.mark.parametrize("overflow", ["evict-oldest", "reject-new"])
def test_entries_keep_their_bound(racers: RedisRacers, store: RedisStore, overflow: str) -> None:
    options = {"max_entries": BOUND, "overflow": overflow}
    results = racers.run(("entries", {"options": options, "count": COUNT}))
    assert max(most for _, most in results) == BOUND
    if overflow == "evict-oldest":
        assert sum(admitted for admitted, _ in results) == RACERS * COUNT
    collection = open_keyed_store("races", store=store)
    collection.register("last", 1)

    def counts() -> list[int]:
        return [len(collection.entries()), len(collection.entries_in_range()), collection.count()]

    assert max(counts()) <= BOUND + 1
    until(lambda: len(set(counts())) == 1, "what had a ttl has expired, and all agree about the rest")


def test_no_update_of_an_entry_is_lost(racers: RedisRacers, store: RedisStore) -> None:
    racers.run(("update", {"options": {}, "key": "key", "count": COUNT}))
    assert open_keyed_store("races", store=store).lookup("key") == RACERS * COUNT
