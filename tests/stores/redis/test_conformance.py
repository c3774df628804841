"""The shipped conformance suite on the Redis store, in real time."""

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import RedisStore
from botstate.testing import StoreConformance
from tests.stores.redis.server import ALIAS


class TestRedisStore(StoreConformance):
    @pytest.fixture
    def store(self, namespace: str) -> StateStore:
        return RedisStore(ALIAS, namespace=namespace)
