"""The shipped conformance suite on the Redis store, in real time."""

from typing import ClassVar

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import RedisStore
from botstate.testing import StoreConformance
from tests.stores.redis.server import ALIAS


class TestRedisStore(StoreConformance):
    counts_sweeps: ClassVar[bool] = False

    @pytest.fixture
    def store(self, namespace: str) -> StateStore:
        return RedisStore(ALIAS, namespace=namespace)
