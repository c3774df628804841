"""A soak's events and faults follow from its seed."""

import pytest

from soak.errands import Errand, is_at_most_once, plan_errands
from soak.faults import Dose, Fault, plan_faults

pytestmark = pytest.mark.once


def planned(seed: int, dose: Dose | None = None) -> list[Fault]:
    return plan_faults(seed, 75.0, range(4), [2], dose or Dose())


def test_the_same_seed_plans_the_same_and_another_one_something_else() -> None:
    assert planned(1) == planned(1) != planned(2)
    assert plan_errands(1, 500, 25, 3_000) == plan_errands(1, 500, 25, 3_000) != plan_errands(2, 500, 25, 3_000)


def test_errands_are_spread_over_the_threads_and_numbered() -> None:
    threads = plan_errands(3, 62, 6)
    assert [len(errands) for errands in threads] == [11, 11, 10, 10, 10, 10]
    assert [errand.number for errand in threads[1]] == list(range(1, 12))
    assert {errand.thread for errand in threads[1]} == {2}


def test_an_errand_is_read_back_from_its_text() -> None:
    errand = Errand(12, 7, 3_000, 2)
    assert Errand.from_text(errand.text) == errand
    assert errand.post_texts == ["012-007 a", "012-007 b"]


def test_some_threads_belong_to_the_bot_that_sends_at_most_once() -> None:
    assert [thread for thread in range(1, 7) if is_at_most_once(thread)] == [2, 4, 6]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_stopped_is_started_again_before_it_is_stopped_again(seed: int) -> None:
    running: dict[tuple[str, int], bool] = {}
    for fault in planned(seed):
        assert 0 <= fault.at_s <= 75
        verb, _, what = fault.action.partition(" ")
        if what in ("worker", "site", "broker", "database") and verb in ("kill", "stop", "start"):
            key = what, fault.target
            assert running.get(key, True) is (verb != "start"), fault
            running[key] = verb == "start"
    assert all(running.values())
    assert {key[0] for key in running} == {"worker", "site", "broker", "database"}
