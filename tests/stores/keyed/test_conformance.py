"""The shipped suite for keyed stores on the ORM store's paths."""

from typing import ClassVar

import pytest

from botstate.contracts.stores import StateStore
from botstate.stores import OrmStore
from botstate.testing import KeyedConformance
from botstate.testing.conformance.keyed_updates import KeyedUpdateConformance
from tests.stores.clock import advance


class OrmClock:
    """Expiries come nearer instead of the clock moving on."""

    short: ClassVar[float] = 30

    def advance(self, store: StateStore, seconds: float) -> None:
        advance(seconds)


@pytest.mark.django_db
class TestOrmStore(OrmClock, KeyedConformance):
    @pytest.fixture
    def store(self) -> StateStore:
        return OrmStore()

    @pytest.fixture
    def real_transactions(self, transactional_db: None) -> None:
        """Threads see only what was committed; all other tests are rolled back, which is faster."""


@pytest.mark.long
class TestPortableStore(TestOrmStore):
    @pytest.fixture
    def store(self) -> StateStore:
        return OrmStore(portable=True)


@pytest.mark.django_db(transaction=True)
class TestUpdatesOutsideTransactions(OrmClock, KeyedUpdateConformance):
    """There `update` takes another way than within the caller's transaction."""

    @pytest.fixture(params=["fast", "portable"])
    def store(self, request: pytest.FixtureRequest) -> StateStore:
        return OrmStore(portable=request.param == "portable")
