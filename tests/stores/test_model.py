"""OrmStore and a plain Python model are driven side by side, and no difference is found."""

import pytest

from botstate.stores import OrmStore
from tests.stores.clock import STORE_MODELS, advance
from tests.stores.machine import MACHINES, StoreMachine, assert_no_difference

pytestmark = pytest.mark.django_db


class OrmMachine(StoreMachine):
    def make_store(self) -> OrmStore:
        for model in STORE_MODELS:
            model._default_manager.all().delete()
        return OrmStore()

    def move_clock(self, seconds: int) -> None:
        advance(seconds)


@pytest.mark.long
@pytest.mark.parametrize("facet", MACHINES)
def test_the_orm_store_and_the_model_never_differ(facet: str | None) -> None:
    assert_no_difference(OrmMachine, facet)
