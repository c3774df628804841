"""The ORM store's keyed entries and a plain Python model are driven side by side, and no difference is found."""

import pytest
from django.db.models import Count

from botstate.models import KeyedEntry, KeyedHead
from botstate.stores import OrmStore
from tests.stores.clock import advance
from tests.stores.keyed.machine import MACHINES, KeyedMachine, assert_no_difference

pytestmark = pytest.mark.django_db


class OrmMachine(KeyedMachine):
    portable = False

    def make_store(self) -> OrmStore:
        KeyedEntry.objects.all().delete()
        KeyedHead.objects.all().delete()
        return OrmStore(portable=self.portable)

    def move_clock(self, seconds: int) -> None:
        advance(seconds)

    def teardown(self) -> None:
        super().teardown()
        rows = dict(KeyedEntry.objects.values_list("head").annotate(Count("pk")))
        for digest, length in KeyedHead.objects.values_list("pk", "length"):
            assert length == rows.get(digest, 0), "a head's length is the number of its rows"


class PortableMachine(OrmMachine):
    portable = True


@pytest.mark.long
@pytest.mark.parametrize("kind", list(MACHINES))
def test_the_orm_stores_entries_and_the_model_never_differ(kind: str) -> None:
    assert_no_difference(OrmMachine, kind)


@pytest.mark.long
@pytest.mark.parametrize("kind", list(MACHINES))
def test_the_portable_entries_and_the_model_never_differ(kind: str) -> None:
    assert_no_difference(PortableMachine, kind)
