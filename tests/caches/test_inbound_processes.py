"""Claimable dedup in several processes."""

import time

import pytest

from tests.caches.registry_process import Process, processes
from tests.stores.waiting import until

UNKNOWN = "0" * 32
TIMEOUT_S = 0.2


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
class TestProcesses:
    """Real ones, on the default store."""

    MADE_BY = "InboundDedup('tests', 'inbound', lease='2s')"

    def test_what_one_process_did_is_done_after_its_death(self) -> None:
        with processes() as (first,):
            token = first.call(self.MADE_BY, "claim", "done")
            assert first.call(self.MADE_BY, "commit", "done", token)
            token = first.call(self.MADE_BY, "claim", "released")
            assert first.call(self.MADE_BY, "release", "released", token)
            first.kill()
        with processes() as (second,):
            assert second.call(self.MADE_BY, "check", "done") == "done"
            assert second.call(self.MADE_BY, "claim", "done") is None
            assert second.call(self.MADE_BY, "claim", "released")
            assert second.call("InboundDedup('tests', 'other')", "claim", "done")
            assert second.call("InboundDedup('slack', 'inbound')", "claim", "done")

    def test_a_claim_ends_with_its_lease_once_its_holder_was_killed(self) -> None:
        with processes(2) as (holder, other):
            begun = time.monotonic()
            token = holder.call(self.MADE_BY, "claim", "key")
            claimed = time.monotonic()
            holder.kill()
            assert other.call(self.MADE_BY, "claim", "key") is None
            until(lambda: other.call(self.MADE_BY, "claim", "key"), "it comes to pass")
            assert time.monotonic() - begun > 2, "not before the lease ended"
            assert time.monotonic() - claimed < 4
            assert not other.call(self.MADE_BY, "commit", "key", token)

    def test_a_token_works_in_another_process(self) -> None:
        with processes(2) as (first, second):
            token = first.call(self.MADE_BY, "claim", "key")
            assert second.call(self.MADE_BY, "commit", "key", token)
            assert not first.call(self.MADE_BY, "commit", "key", token)
            assert first.call(self.MADE_BY, "check", "key") == "done"

    def test_of_two_processes_one_wins_each_of_a_thousand_claims(self) -> None:
        keys = [f"key {number}" for number in range(1_000)]
        made_by = "InboundDedup('tests', 'race')"
        won: list[list[str]] = [[], []]
        with processes(2) as racers:
            # They start anew from time to time, so that one that is ahead does not stay so.
            for start in range(0, len(keys), 50):
                for racer in racers:
                    racer.order("claim_each", made_by, keys[start : start + 50])
                answers = [racer.answer() for racer in racers]
                for number, (keys_won, status) in enumerate(answers):
                    won[number] += keys_won
                    assert status.failures == {}, "the store answered each call"
        assert sorted(won[0] + won[1]) == sorted(keys), "each key has one winner"
        assert all(won), "they did race"


def test_a_process_is_one(transactional_db: None) -> None:
    """The helper's own: an error in the other process is one here."""
    with processes() as (other,), pytest.raises(AssertionError, match="BadArgument"):
        assert isinstance(other, Process)
        other.call("InboundDedup('tests', 'inbound')", "claim", "")
