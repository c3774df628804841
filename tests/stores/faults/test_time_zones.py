"""A session whose time zone is not UTC, with USE_TZ on and off: no lease is shifted."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.stores.faults.clients import Client
from tests.stores.faults.clockwork import (
    assert_durations_are_exact,
    assert_what_expired_is_seen_as_expired,
    assert_what_lives_is_seen_to_live,
)

pytestmark = [
    pytest.mark.processes,
    pytest.mark.needs("postgresql", "mysql"),
    pytest.mark.django_db(transaction=True, available_apps=["botstate"]),
]

# Django sets the session's zone on PostgreSQL, and leaves it to the project on MariaDB; neither is a whole hour off.
ST_JOHNS, KATHMANDU = "America/St_Johns", "+05:45"
MARIADB = {"options": {"init_command": f"SET time_zone = '{KATHMANDU}'"}}
CLIENTS: dict[str, dict[str, dict[str, Any]]] = {
    "postgresql": {
        "USE_TZ on": {"USE_TZ": True, "time_zone": ST_JOHNS},
        "USE_TZ off": {"USE_TZ": False, "TIME_ZONE": ST_JOHNS},
    },
    "mysql": {
        "USE_TZ on": {"USE_TZ": True, "time_zone": "Asia/Kathmandu", **MARIADB},
        "USE_TZ off": {"USE_TZ": False, "TIME_ZONE": "Asia/Kathmandu", **MARIADB},
    },
}
ASKING = {"postgresql": ("SHOW TimeZone", ST_JOHNS), "mysql": ("SELECT @@session.time_zone", KATHMANDU)}


@pytest.fixture(scope="module")
def utc(django_db_setup: None, django_db_blocker: Any) -> Iterator[Client]:
    """A client in UTC."""
    with django_db_blocker.unblock():
        client = Client(USE_TZ=True)
    yield client
    client.close()


@pytest.fixture(scope="module", params=["USE_TZ on", "USE_TZ off"])
def abroad(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Client]:
    """A client whose session is in another zone."""
    with django_db_blocker.unblock():
        client = Client(**CLIENTS[connection.vendor][request.param])
    sql, zone = ASKING[connection.vendor]
    assert client.ask("query", sql=sql) == zone
    yield client
    client.close()


def test_its_durations_are_exact(abroad: Client) -> None:
    assert_durations_are_exact(abroad)


def test_nothing_ends_early(utc: Client, abroad: Client) -> None:
    assert_what_lives_is_seen_to_live(utc, abroad)


def test_nothing_of_its_own_ends_early(utc: Client, abroad: Client) -> None:
    assert_what_lives_is_seen_to_live(abroad, utc)


def test_nothing_ends_late(utc: Client, abroad: Client) -> None:
    assert_what_expired_is_seen_as_expired(utc, abroad)


def test_nothing_of_its_own_ends_late(utc: Client, abroad: Client) -> None:
    assert_what_expired_is_seen_as_expired(abroad, utc)
