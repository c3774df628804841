"""RedisStore and the plain Python model are driven side by side, and no difference is found."""

import pytest

from botstate.stores import RedisStore
from tests.stores.machine import MACHINES, StoreMachine, assert_no_difference
from tests.stores.redis.clock import advance
from tests.stores.redis.server import ALIAS, clean


@pytest.mark.long
@pytest.mark.parametrize("facet", MACHINES)
def test_the_redis_store_and_the_model_never_differ(facet: str | None, namespace: str) -> None:
    class RedisMachine(StoreMachine):
        def make_store(self) -> RedisStore:
            clean(namespace)
            return RedisStore(ALIAS, namespace=namespace)

        def move_clock(self, seconds: int) -> None:
            advance(namespace, seconds)

    assert_no_difference(RedisMachine, facet)
