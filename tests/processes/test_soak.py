"""A small soak: workers are killed and rings are lost while events come in, and every promise of the runtime holds.

`make soak` is the large one, with servers that are stopped too.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from botstate.db.transactions import run_durable
from botstate.models import Thread
from soak import journal
from soak.brokers import Files
from soak.checks import CHECKS
from soak.crew import WorkerKind
from soak.faults import Dose
from soak.run import Plan, perform
from tests.processes.conftest import database_url

pytestmark = [pytest.mark.long, pytest.mark.processes]

PLAN = Plan(
    seed=238,
    events=60,
    threads=6,
    send_s=2.0,
    deadline_s=60.0,
    kinds=(WorkerKind("threads", beat=True), WorkerKind("prefork", acks_late=True, is_killed=False)),
    dose=Dose(worker_kills=1, child_kills=2, flushes=1, broker_stops=0, database_stops=0, site_kills=0),
)


@pytest.fixture
def no_journal_is_left(transactional_db: None) -> Iterator[None]:
    yield
    journal.end()


@pytest.mark.usefixtures("no_journal_is_left")
def test_every_promise_holds_while_workers_are_killed_and_rings_are_lost(tmp_path: Path) -> None:
    outcome = perform(PLAN, tmp_path, database_url=database_url(), broker=Files(tmp_path), hurry=redeliver_soon)
    assert outcome.unfinished == ""
    assert len(outcome.answers.accepted) == PLAN.events
    assert outcome.faults["kill worker"] == 1
    assert outcome.faults["flush broker"] == 1
    assert {name: find(outcome.evidence) for name, find in CHECKS.items()} == {name: [] for name in CHECKS}


def redeliver_soon() -> None:
    """Let the time be over for which a ring is trusted."""
    run_durable("default", lambda: Thread.objects.filter(ring_us__gt=0).update(ring_us=0))
