"""The shipped conformance suite on the ORM store."""

from typing import ClassVar

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import OrmStore
from botstate.testing import StoreConformance
from tests.stores.clock import advance


@pytest.mark.django_db
class TestOrmStore(StoreConformance):
    short: ClassVar[float] = 30

    @pytest.fixture
    def store(self) -> StateStore:
        return OrmStore()

    @pytest.fixture
    def real_transactions(self, transactional_db: None) -> None:
        """Threads see only what was committed; all other tests are rolled back, which is faster."""

    def advance(self, store: StateStore, seconds: float) -> None:
        advance(seconds)
