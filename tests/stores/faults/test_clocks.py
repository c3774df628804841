"""A client whose clock is an hour off: the store's clock decides everything."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botstate.models import LockRow
from tests.stores.faults.clients import Client
from tests.stores.faults.clockwork import (
    assert_durations_are_exact,
    assert_what_expired_is_seen_as_expired,
    assert_what_lives_is_seen_to_live,
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.processes,
    pytest.mark.needs("postgresql", "mysql"),
    pytest.mark.programs("faketime"),
    pytest.mark.django_db(transaction=True, available_apps=["botstate"]),
]

OFF_S = {"+1h": 3600, "-1h": -3600}
TURNS = 20


@pytest.fixture(scope="module")
def right(django_db_setup: None, django_db_blocker: Any) -> Iterator[Client]:
    """A client whose clock is right."""
    with django_db_blocker.unblock():
        client = Client()
    yield client
    client.close()


@pytest.fixture(scope="module", params=OFF_S)
def wrong(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Client]:
    """A client whose clock is an hour ahead or behind."""
    with django_db_blocker.unblock():
        # Its monotonic clock is right: heartbeats and timeouts go by that one.
        client = Client("faketime", "-m", "--exclude-monotonic", "-f", request.param)
    off = client.ask("clock") - time.time()
    assert abs(off - OFF_S[request.param]) < 60, f"faketime has put the client's clock {off} s off"
    yield client
    client.close()


def test_its_durations_are_exact(wrong: Client) -> None:
    assert_durations_are_exact(wrong)


def test_nothing_ends_early(right: Client, wrong: Client) -> None:
    assert_what_lives_is_seen_to_live(right, wrong)


def test_nothing_of_its_own_ends_early(right: Client, wrong: Client) -> None:
    assert_what_lives_is_seen_to_live(wrong, right)


def test_nothing_ends_late(right: Client, wrong: Client) -> None:
    assert_what_expired_is_seen_as_expired(right, wrong)


def test_nothing_of_its_own_ends_late(right: Client, wrong: Client) -> None:
    assert_what_expired_is_seen_as_expired(wrong, right)


def test_fences_grow_across_both_and_nobody_shares_a_lock(right: Client, wrong: Client, tmp_path: Path) -> None:
    for client in (right, wrong):
        client.order("hold", key="key", count=TURNS, holder=str(tmp_path / "holder"), log=str(tmp_path / "fences"))
    assert [client.answer() for client in (right, wrong)] == [TURNS, TURNS]
    fences = [int(line) for line in (tmp_path / "fences").read_text().split()]
    assert len(fences) == 2 * TURNS
    assert fences == sorted(set(fences)), "every fence is greater than that of the holder before"


def test_fences_grow_where_a_sweep_has_taken_the_row(right: Client, wrong: Client) -> None:
    fences = []
    for client in (right, wrong, right, wrong):
        lock = client.call("lock.acquire", "key")
        assert client.call("lock.release", "key", lock.token)
        fences.append(lock.fence)
        # As a sweep does after a day.
        LockRow.objects.all().delete()
    assert fences == sorted(set(fences)), "a fresh row's fence is of the store's clock"
