"""The contract of keyed stores as tests, for a store that has keyed entries.

Subclass `KeyedConformance` and define a `store` fixture, as for `StoreConformance`, of which this is no part: a store
without keyed entries is a store. Its options and fixtures are those of `base`.

    import pytest

    from botstate.testing import KeyedConformance

    @pytest.mark.django_db(transaction=True)
    class TestMyStoresEntries(KeyedConformance):
        @pytest.fixture
        def store(self):
            return MyStore()
"""

from botstate.testing.conformance.keyed_apart import KeyedSeparationConformance
from botstate.testing.conformance.keyed_arguments import KeyedArgumentConformance
from botstate.testing.conformance.keyed_bounds import KeyedEvictionConformance, KeyedRejectionConformance
from botstate.testing.conformance.keyed_expiry import KeyedExpiryConformance
from botstate.testing.conformance.keyed_lookups import KeyedLookupConformance
from botstate.testing.conformance.keyed_races import KeyedRaceConformance
from botstate.testing.conformance.keyed_ranges import KeyedRangeConformance
from botstate.testing.conformance.keyed_twins import KeyedTwinConformance
from botstate.testing.conformance.keyed_updates import KeyedUpdateConformance
from botstate.testing.conformance.keyed_values import KeyedValueConformance
from botstate.testing.conformance.keyed_writing import KeyedWriteConformance


class KeyedConformance(
    KeyedWriteConformance,
    KeyedUpdateConformance,
    KeyedLookupConformance,
    KeyedRangeConformance,
    KeyedEvictionConformance,
    KeyedRejectionConformance,
    KeyedExpiryConformance,
    KeyedSeparationConformance,
    KeyedArgumentConformance,
    KeyedValueConformance,
    KeyedTwinConformance,
    KeyedRaceConformance,
):
    """The whole contract of a store's keyed entries; see this module's docstring for how to run it."""
