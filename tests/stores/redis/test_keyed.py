"""Redis's keyed entries: the shipped suite in real time, the model beside them, and races between processes."""

import json
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import RedisStore
from botstate.testing import KeyedConformance
from tests.stores.keyed import test_races
from tests.stores.keyed.machine import MACHINES, KeyedMachine, assert_no_difference
from tests.stores.racers import Racers
from tests.stores.redis.clock import advance
from tests.stores.redis.server import ALIAS, DATABASE, REDIS_URL, cache_at, clean


@pytest.mark.long
class TestRedisStore(KeyedConformance):
    @pytest.fixture
    def store(self, namespace: str) -> StateStore:
        return RedisStore(ALIAS, namespace=namespace)


@pytest.mark.long
@pytest.mark.parametrize("kind", list(MACHINES))
def test_redis_entries_and_the_model_never_differ(kind: str, namespace: str) -> None:
    class RedisMachine(KeyedMachine):
        moves_creation = False

        def make_store(self) -> RedisStore:
            clean(namespace)
            return RedisStore(ALIAS, namespace=namespace)

        def move_clock(self, seconds: int) -> None:
            advance(namespace, seconds)

    assert_no_difference(RedisMachine, kind)


@pytest.fixture(scope="module")
def race_namespace() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture(scope="module")
def racers(race_namespace: str) -> Iterator[Racers]:
    caches = json.dumps({"default": cache_at(f"{REDIS_URL}/{DATABASE}")})
    environment = {"BOTSTATE_RACE_DATABASE": caches, "BOTSTATE_RACE_NAMESPACE": race_namespace}
    started = Racers("tests.stores.keyed.racer", environment)
    yield started
    started.close()


@pytest.mark.long
@pytest.mark.processes
class TestRaces:
    """The tests of `tests.stores.keyed.test_races`, with other racers."""

    @pytest.fixture
    def store(self, race_namespace: str, use_redis: Callable[..., None]) -> Iterator[RedisStore]:
        yield RedisStore(ALIAS, namespace=race_namespace)
        clean(race_namespace)

    @pytest.fixture
    def looked_at(self) -> None:
        """There are no heads to look at."""

    vars().update({name: staticmethod(test) for name, test in vars(test_races).items() if name.startswith("test_")})
