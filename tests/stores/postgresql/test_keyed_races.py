"""Races between eight processes on keyed entries: the bound holds for whoever looks, and each key has one winner."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from botstate.keyed import open_keyed_store
from botstate.models import KeyedEntry, KeyedHead
from botstate.stores import OrmStore
from tests.stores.racers import RACERS, Racers
from tests.stores.waiting import other_threads

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

CAP, REGISTERS, KEYS = 3, 200, 200


@pytest.fixture(scope="module")
def racers(django_db_setup: None, django_db_blocker: Any) -> Iterator[Racers]:
    with django_db_blocker.unblock():
        started = Racers()
    yield started
    started.close()


def counted() -> tuple[int, int]:
    """Return how many rows are committed, and how many of them the head tells, in one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM botstate_keyedentry),"
            " (SELECT coalesce(sum(length), 0) FROM botstate_keyedhead)"
        )
        rows, length = cursor.fetchone()
    return rows, int(length)


def test_nobody_ever_sees_more_entries_than_the_bound(racers: Racers) -> None:
    order = {"namespace": "entries", "count": REGISTERS, "max_entries": CAP}
    observed = []
    with other_threads() as call:
        racing = call(racers.run, *[("register", {"racer": racer, **order}) for racer in range(RACERS)])
        while not racing.done():
            observed.append(counted())
        racing.result()
    assert len(observed) > 20
    assert all(rows == length for rows, length in observed), "the head tells the rows, always"
    assert max(rows for rows, _ in observed) == CAP
    head = KeyedHead.objects.get()
    assert head.length == KeyedEntry.objects.count() == CAP
    assert head.next_seq == RACERS * REGISTERS, "each writing has its own place"
    newest = sorted(KeyedEntry.objects.values_list("seq", flat=True))
    assert newest[-1] == head.next_seq - 1
    assert len(open_keyed_store("entries", CAP, store=OrmStore()).entries()) == CAP


def test_each_key_has_one_winner(racers: Racers) -> None:
    won = racers.run(*[("claim", {"racer": racer, "namespace": "entries", "count": KEYS}) for racer in range(RACERS)])
    assert sorted(number for numbers in won for number in numbers) == list(range(KEYS))
    keyed = open_keyed_store("entries", store=OrmStore())
    for racer, numbers in enumerate(won):
        assert keyed.lookup_many([f"key {number}" for number in numbers]) == [racer] * len(numbers)
    assert keyed.count() == KeyedHead.objects.get().length == KEYS
