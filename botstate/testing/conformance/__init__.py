"""The store contract as tests. Subclass `StoreConformance`, define a `store` fixture, and pytest runs all of it.

    import pytest

    from botstate.testing import StoreConformance

    @pytest.mark.django_db(transaction=True)
    class TestMyStore(StoreConformance):
        @pytest.fixture
        def store(self):
            return MyStore()

Tests with threads need what they write to be committed; for all others a transaction that is rolled back will do, and
is faster: mark the class `django_db`, and override the fixture `real_transactions` to request `transactional_db`.
What else a subclass may change is in `base`. A store that has keyed entries runs `KeyedConformance` too; see `keyed`.
"""

from botstate.testing.conformance.cancelling import CancellationConformance
from botstate.testing.conformance.claims import QueueClaimConformance
from botstate.testing.conformance.dedup import DedupConformance
from botstate.testing.conformance.durations import DurationConformance
from botstate.testing.conformance.facets import FacetConformance
from botstate.testing.conformance.keyed import KeyedConformance
from botstate.testing.conformance.keys import KeyConformance
from botstate.testing.conformance.kv import KvConformance
from botstate.testing.conformance.lists import ListConformance
from botstate.testing.conformance.locks import LockConformance
from botstate.testing.conformance.numbers import NumberConformance
from botstate.testing.conformance.queues import QueueConformance
from botstate.testing.conformance.races import RaceConformance
from botstate.testing.conformance.sweep import SweepConformance
from botstate.testing.conformance.twins import TwinConformance
from botstate.testing.conformance.values import ValueConformance


class StoreConformance(
    KeyConformance,
    ValueConformance,
    DurationConformance,
    NumberConformance,
    KvConformance,
    ListConformance,
    LockConformance,
    DedupConformance,
    QueueConformance,
    QueueClaimConformance,
    FacetConformance,
    SweepConformance,
    TwinConformance,
    CancellationConformance,
    RaceConformance,
):
    """The whole contract of a `StateStore`; see this package's docstring for how to run it."""


__all__ = ["KeyedConformance", "StoreConformance"]
