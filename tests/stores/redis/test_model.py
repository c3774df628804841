"""RedisStore and the plain Python model are driven side by side, and no difference is found."""

from collections.abc import Callable
from functools import partial

import pytest

from botstate.stores import RedisStore
from tests.stores import test_model
from tests.stores.redis.clock import advance
from tests.stores.redis.server import ALIAS, clean


@pytest.mark.parametrize("facet", test_model.MACHINES)
def test_the_redis_store_and_the_model_never_differ(
    facet: str | None, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive: Callable[[str | None], None] = test_model.test_the_orm_store_and_the_model_never_differ

    def fresh() -> RedisStore:
        clean(namespace)
        return RedisStore(ALIAS, namespace=namespace)

    # The names by which the machine knows its store.
    monkeypatch.setattr(test_model, "STORE_MODELS", ())
    monkeypatch.setattr(test_model, "OrmStore", fresh)
    monkeypatch.setattr(test_model, "advance", partial(advance, namespace))
    drive(facet)
