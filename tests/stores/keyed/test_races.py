"""Races between processes for keyed entries on one database: one winner, nothing lost, every bound kept."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.keyed import open_keyed_store
from botstate.models import KeyedEntry, KeyedHead
from botstate.stores import OrmStore
from tests.stores.racers import RACERS, Racers

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

#: BOTSTATE_TEST_CLAIMS: for how many keys two processes race.
CLAIMS = int(os.environ.get("BOTSTATE_TEST_CLAIMS", "1000"))
COUNT = 10
CAP = 5


@pytest.fixture(scope="module")
def racers(django_db_setup: None, django_db_blocker: Any) -> Iterator[Racers]:
    with django_db_blocker.unblock():
        started = Racers("tests.stores.keyed.racer")
    yield started
    started.close()


@pytest.fixture
def store() -> StateStore:
    return OrmStore()


@pytest.fixture
def looked_at() -> Iterator[None]:
    """After the test: what the heads say of their rows is so."""
    yield
    lengths = {digest: length for digest, length in KeyedHead.objects.values_list("pk", "length") if length}
    assert lengths == Counter(KeyedEntry.objects.values_list("head", flat=True)), "a head counts its rows"


def test_one_winner_per_claim_of_two_processes(racers: Racers, store: StateStore, looked_at: None) -> None:
    rest: list[tuple[str, dict[str, Any]]] = [("rest", {})] * (RACERS - 2)
    # Neither is to be done before the other one was woken.
    together = {"count": CLAIMS, "begin_at": time.time() + 1}
    claims = racers.run(*(("claims", together | {"value": value}) for value in ("one", "other")), *rest)[:2]
    (one, *its_time), (other, *others_time) = claims
    assert [a + b for a, b in zip(one, other, strict=True)] == [1] * CLAIMS, "every claim has exactly one winner"
    entries = open_keyed_store("claims", store=store)
    # Who wins is another matter: SQLite may let one wait for as long as the other writes.
    assert max(its_time[0], others_time[0]) < min(its_time[1], others_time[1]), "both were there at the same time"
    values = entries.lookup_many([f"key {number}" for number in range(CLAIMS)])
    assert values == ["one" if won else "other" for won in one], "the value is the winner's"
    assert entries.count() == CLAIMS


def test_one_winner_per_claim_of_all(racers: Racers, store: StateStore, looked_at: None) -> None:
    got = racers.run(*(("claims", {"count": COUNT, "value": f"{racer}"}) for racer in range(RACERS)))
    assert [sum(claims) for claims in zip(*(won for won, *_ in got), strict=True)] == [1] * COUNT, (
        "every claim has exactly one winner"
    )


def test_one_winner_per_consume(racers: Racers, store: StateStore, looked_at: None) -> None:
    entries = open_keyed_store("takes", store=store)
    for number in range(2 * COUNT):
        entries.register(f"key {number}", number)
    got = racers.run(("takes", {"count": 2 * COUNT}))
    assert sorted(value for values in got for value in values) == list(range(2 * COUNT)), "each is consumed once"
    assert entries.count() == 0


def test_no_increment_is_lost(racers: Racers, store: StateStore, looked_at: None) -> None:
    got = racers.run(("increments", {"count": COUNT}))
    returned = sorted(value for values in got for value in values)
    assert returned == list(range(1, RACERS * COUNT + 1)), "every update returns a value of its own"
    assert open_keyed_store("counters", store=store).lookup("key") == RACERS * COUNT


def test_no_swap_is_lost(racers: Racers, store: StateStore, looked_at: None) -> None:
    entries = open_keyed_store("swaps", store=store)
    entries.register("key", [0, None])
    racers.run(*(("swaps", {"count": COUNT, "racer": racer}) for racer in range(RACERS)))
    assert entries.lookup("key")[0] == RACERS * COUNT, "every compare_and_set that was True counts"


def test_the_bound_is_kept_by_eight_writers_at_every_look(racers: Racers, store: StateStore, looked_at: None) -> None:
    options = {"max_entries": CAP}
    got = racers.run(*(("writes", {"racer": racer, "count": COUNT, "options": options}) for racer in range(RACERS)))
    assert [stored for stored, _ in got] == [COUNT] * RACERS
    assert max(most for _, most in got) == CAP, "nobody ever sees more than max_entries"
    left = [entry.value for entry in open_keyed_store("writes", store=store).entries()]
    assert len(left) == CAP, "in the end the bound is held exactly"
    for racer in range(RACERS):
        numbers = [number for writer, number in left if writer == racer]
        assert numbers == list(range(COUNT))[COUNT - len(numbers) :], "each writer's newest entries stay"


def test_a_full_namespace_refuses_all_but_as_many_as_fit(racers: Racers, store: StateStore, looked_at: None) -> None:
    options = {"max_entries": CAP, "overflow": "reject-new"}
    got = racers.run(*(("writes", {"racer": racer, "count": COUNT, "options": options}) for racer in range(RACERS)))
    assert sum(stored for stored, _ in got) == CAP, "as many are stored as there is room for"
    assert max(most for _, most in got) == CAP, "nobody ever sees more than max_entries"
    assert open_keyed_store("writes", store=store).count() == CAP
