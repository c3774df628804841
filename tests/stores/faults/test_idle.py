"""The first use after a long idle time, in which the server has closed the connection."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import Error, connection

from botstate.exceptions import StoreUnavailable
from botstate.stores import OrmStore
from tests.stores.aliases import temporary_store
from tests.stores.faults.operations import ALL, READING, Stocked, everything
from tests.stores.faults.sessions import end_session, is_alive, session_id
from tests.stores.waiting import until

pytestmark = [
    pytest.mark.needs("postgresql", "mysql"),
    pytest.mark.django_db(transaction=True, available_apps=["botstate"]),
]

ALIAS = "idle"


@pytest.fixture
def impatient() -> Iterator[OrmStore]:
    """A store whose server closes what is idle, as soon as it can be told to."""
    options = dict(connection.settings_dict["OPTIONS"])
    if connection.vendor == "postgresql":
        options["options"] = "-c idle_session_timeout=50"
    else:
        options["init_command"] = "SET SESSION wait_timeout = 1"
    with temporary_store(ALIAS, OPTIONS=options) as store:
        yield store


def call_twice(call: Callable[[], Any], name: str) -> Any:
    """Return what it gives at the first or second time."""
    try:
        return call()
    except StoreUnavailable as error:
        assert isinstance(error.__cause__, Error), f"{name}: StoreUnavailable carries the driver's error"
        return call()


def test_a_server_that_closes_what_is_idle(impatient: OrmStore) -> None:
    impatient.kv.set("key", 1)
    session = session_id(ALIAS)
    until(lambda: not is_alive(session), "the server has closed the idle session")
    assert call_twice(lambda: impatient.kv.get("key"), "kv.get") == 1
    assert session_id(ALIAS) != session


def test_the_first_use_of_any_primitive() -> None:
    with temporary_store(ALIAS) as store:
        for name, call in ALL.items():
            had = Stocked(store)
            before = everything()
            end_session(session_id(ALIAS))
            try:
                call(had)
            except StoreUnavailable:
                assert everything() == before, f"{name} is not done where it raises"
                call(had)
            assert (everything() != before) is (name not in READING), f"{name} is done at the second call at the latest"
