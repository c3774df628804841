"""Every check of the soak finds the violation that it is there for, and nothing in a run without one."""

from dataclasses import replace

import pytest

from soak import checks
from soak.errands import Errand, advance, serial_state
from soak.evidence import Attempt, Call, Entry, Evidence, StoredPost, StoredTurn

pytestmark = pytest.mark.once

FIRST, SECOND = ERRANDS = [Errand(1, 1), Errand(1, 2)]
POSTS = [errand.post_texts[0] for errand in ERRANDS]


def lease(number: int, at_us: int, fence: int, status: str = "held", expires_us: int = 0) -> Entry:
    return Entry(number, "lease", 1, 1, status, fence=fence, expires_us=expires_us, at_us=at_us)


def turn(number: int, turn_id: int, status: str, fence: int = 1, attempts: int = 1) -> Entry:
    return Entry(number, "turn", turn_id, 1, status, attempts, fence)


def delivery(number: int, delivery_id: int, status: str, attempts: int) -> Entry:
    return Entry(number, "delivery", delivery_id, 1, status, attempts)


JOURNAL = [
    lease(1, 1_000, 1, expires_us=2_000_000),
    turn(2, 11, "running"),
    turn(3, 11, "done"),
    delivery(4, 21, "waiting", 0),
    delivery(5, 21, "waiting", 1),
    delivery(6, 21, "sent", 1),
    turn(7, 12, "running"),
    turn(8, 12, "done"),
    delivery(9, 22, "waiting", 1),
    delivery(10, 22, "sent", 1),
    lease(11, 1_500_000, 1, "free"),
]
GOOD = Evidence(
    accepted=ERRANDS,
    attempts=[Attempt(FIRST.name, 1, 100, 1.0, 1.1), Attempt(SECOND.name, 1, 100, 1.2, 1.3)],
    turns=[StoredTurn(11, 1, FIRST, "done"), StoredTurn(12, 1, SECOND, "done")],
    states={1: serial_state(ERRANDS)},
    posts=[StoredPost(21, POSTS[0], "sent"), StoredPost(22, POSTS[1], "sent")],
    calls=[Call(POSTS[0], 1.1), Call(POSTS[1], 1.3)],
    journal=JOURNAL,
)


def whys(violations: list[checks.Violation]) -> dict[str, str]:
    return {violation.subject: violation.why for violation in violations}


@pytest.mark.parametrize("check", checks.CHECKS)
def test_a_good_run_has_no_violation(check: str) -> None:
    assert checks.CHECKS[check](GOOD) == []


def test_an_event_without_a_turn_is_lost() -> None:
    found = whys(checks.find_losses(replace(GOOD, turns=GOOD.turns[:1])))
    assert found == {SECOND.name: "accepted, and it has no turn"}


@pytest.mark.parametrize("status", ["waiting", "running", "failed", "dead", "dropped"])
def test_an_event_whose_turn_is_not_done_is_lost(status: str) -> None:
    turns = [GOOD.turns[0], replace(GOOD.turns[1], status=status)]
    assert whys(checks.find_losses(replace(GOOD, turns=turns))) == {SECOND.name: f"accepted, and its turn is {status}"}


def test_a_turn_that_is_done_without_its_handler_is_lost() -> None:
    attempts = [GOOD.attempts[0], replace(GOOD.attempts[1], ended=None)]
    assert whys(checks.find_losses(replace(GOOD, attempts=attempts))) == {
        SECOND.name: "its turn is done, and no handler came to its end"
    }


def test_a_turn_that_the_journal_does_not_know_is_lost() -> None:
    assert whys(checks.find_losses(replace(GOOD, journal=JOURNAL[:7]))) == {
        SECOND.name: "its turn is done, and the journal does not say when"
    }


def test_an_event_that_the_state_does_not_have_is_lost_and_makes_a_wrong_state() -> None:
    forged = replace(GOOD, states={1: serial_state([FIRST])})
    assert whys(checks.find_losses(forged)) == {SECOND.name: "accepted, and the state does not have it"}
    assert list(whys(checks.find_wrong_states(forged))) == ["thread 001"]


def test_a_state_that_ran_in_another_order_is_wrong_and_a_reordering() -> None:
    forged = replace(GOOD, states={1: advance(advance({}, SECOND), FIRST)})
    assert list(whys(checks.find_wrong_states(forged))) == ["thread 001"]
    assert whys(checks.find_reorderings(forged)) == {FIRST.name: "the state has it after 002"}


@pytest.mark.parametrize(
    ("posts", "calls"),
    [
        (GOOD.posts[:1], GOOD.calls),
        ([GOOD.posts[0], replace(GOOD.posts[1], status="waiting")], GOOD.calls),
        ([GOOD.posts[0], replace(GOOD.posts[1], status="failed")], GOOD.calls),
        (GOOD.posts, GOOD.calls[:1]),
    ],
)
def test_a_post_that_was_not_sent_is_lost(posts: list[StoredPost], calls: list[Call]) -> None:
    assert list(whys(checks.find_losses(replace(GOOD, posts=posts, calls=calls)))) == [POSTS[1]]


def test_at_most_once_a_post_may_be_given_up_and_not_left_waiting() -> None:
    forged = replace(
        GOOD, posts=[GOOD.posts[0], replace(GOOD.posts[1], status="failed")], calls=GOOD.calls[:1], at_most_once={1}
    )
    assert checks.find_losses(forged) == []
    assert checks.given_up(forged) == 1
    waiting = replace(forged, posts=[GOOD.posts[0], replace(GOOD.posts[1], status="waiting")])
    assert list(whys(checks.find_losses(waiting))) == [POSTS[1]]


def test_an_event_with_two_turns_is_a_repeat() -> None:
    forged = replace(GOOD, turns=[*GOOD.turns, StoredTurn(13, 1, SECOND, "done")])
    assert whys(checks.find_repeats(forged)) == {SECOND.name: "it has 2 turns"}


def test_a_turn_that_was_done_twice_is_a_repeat() -> None:
    again = [turn(12, 12, "running", attempts=2), turn(13, 12, "done", attempts=2)]
    assert whys(checks.find_repeats(replace(GOOD, journal=[*JOURNAL, *again]))) == {
        SECOND.name: "its turn was done 2 times"
    }


def test_an_event_that_the_state_has_twice_is_a_repeat() -> None:
    forged = replace(GOOD, states={1: serial_state([*ERRANDS, SECOND])})
    assert whys(checks.find_repeats(forged)) == {SECOND.name: "the state has it 2 times"}


def test_a_post_that_was_sent_again_after_its_mark_is_a_repeat() -> None:
    again = [delivery(12, 22, "sent", 2)]
    forged = replace(GOOD, calls=[*GOOD.calls, Call(POSTS[1], 1.9)], journal=[*JOURNAL, *again])
    assert list(whys(checks.find_repeats(forged))) == [POSTS[1]]
    assert checks.repeated_unmarked(forged) == 0


def test_a_post_that_was_sent_again_before_its_mark_is_counted_apart_but_not_at_most_once() -> None:
    journal = [*JOURNAL[:9], delivery(12, 22, "waiting", 2), delivery(13, 22, "sent", 2)]
    between = replace(GOOD, calls=[*GOOD.calls, Call(POSTS[1], 1.9)], journal=journal)
    assert checks.find_repeats(between) == []
    assert checks.repeated_unmarked(between) == 1
    assert list(whys(checks.find_repeats(replace(between, at_most_once={1})))) == [POSTS[1]]


def test_turns_that_were_done_in_another_order_are_a_reordering() -> None:
    journal = [lease(1, 1_000, 1, expires_us=2_000_000), turn(2, 12, "done"), turn(3, 11, "done")]
    assert whys(checks.find_reorderings(replace(GOOD, journal=journal))) == {FIRST.name: "it was done after 002"}


def test_posts_in_another_order_are_a_reordering() -> None:
    forged = replace(GOOD, calls=GOOD.calls[::-1])
    assert whys(checks.find_reorderings(forged)) == {FIRST.name: "it was posted after 002"}


def test_a_handler_that_begins_before_the_one_before_has_ended_is_a_reordering_and_an_overlap() -> None:
    forged = replace(GOOD, attempts=[GOOD.attempts[0], replace(GOOD.attempts[1], started=1.05)])
    assert whys(checks.find_reorderings(forged)) == {SECOND.name: "it began 0.050 s before 001-001 had ended"}
    assert list(whys(checks.find_overlaps(forged))) == [SECOND.name]


def test_a_handler_that_was_fenced_out_may_run_beside_its_successor() -> None:
    attempts = [Attempt(FIRST.name, 1, 100, 1.0, 9.0, superseded=True), Attempt(FIRST.name, 2, 200, 4.0, 4.1)]
    journal = [
        lease(1, 1_000, 1, expires_us=2_000_000),
        turn(2, 11, "running"),
        lease(3, 2_100_000, 2, expires_us=4_100_000),
        turn(4, 11, "running", 2, attempts=2),
        turn(5, 11, "done", 2, attempts=2),
    ]
    evidence = replace(GOOD, accepted=[FIRST], attempts=attempts, journal=journal)
    assert checks.find_overlaps(evidence) == []
    assert checks.find_reorderings(replace(evidence, states={}, calls=[])) == []
    by_the_first = replace(evidence, journal=[*journal[:4], turn(5, 11, "done", 1, attempts=2)])
    assert list(whys(checks.find_overlaps(by_the_first))) == [FIRST.name]


def test_a_lease_that_was_taken_while_another_lived_is_an_overlap() -> None:
    journal = [*JOURNAL[:10], lease(11, 1_500_000, 2, expires_us=3_500_000)]
    (found,) = checks.find_overlaps(replace(GOOD, journal=journal))
    assert found.why == "fence 2 took it 500000 µs before fence 1 had ended"


def test_a_lease_that_was_taken_after_its_release_or_its_end_is_no_overlap() -> None:
    after_release = [*JOURNAL, lease(12, 1_600_000, 2, expires_us=3_600_000)]
    after_end = [*JOURNAL[:10], lease(11, 2_000_001, 2, expires_us=4_000_000)]
    for journal in (after_release, after_end):
        assert checks.find_overlaps(replace(GOOD, journal=journal)) == []


def test_a_turn_that_was_done_without_any_lease_is_an_overlap() -> None:
    assert whys(checks.find_overlaps(replace(GOOD, journal=JOURNAL[1:4]))) == {
        FIRST.name: "done though nobody took a lease"
    }


def test_a_fence_that_falls_is_an_overlap() -> None:
    found = checks.find_overlaps(replace(GOOD, journal=[*JOURNAL, lease(12, 9_000_000, 0, expires_us=10_000_000)]))
    assert whys(found)["lease of thread 1"] == "its fence fell from 1 to 0"


def test_a_turn_that_was_ended_after_its_lease_was_taken_over_is_an_overlap() -> None:
    journal = [*JOURNAL[:7], lease(8, 2_100_000, 2, expires_us=4_100_000), turn(9, 12, "done", 1)]
    assert whys(checks.find_overlaps(replace(GOOD, journal=journal))) == {
        SECOND.name: "done with fence 1, while the lease was at 2"
    }


def test_handlers_that_were_killed_are_counted() -> None:
    killed = Attempt(SECOND.name, 1, 100, 1.15)
    attempts = [GOOD.attempts[0], killed, replace(GOOD.attempts[1], attempt=2)]
    assert checks.unfinished_attempts(replace(GOOD, attempts=attempts)) == 1
