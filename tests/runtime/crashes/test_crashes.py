"""A process dies before each of its steps in turn. The points are listed in `points/`, one file per kind of database.

Where the steps have changed on purpose, BOTSTATE_WRITE_POINTS=1 writes the lists anew, in one process of pytest; what
has changed in them, and above all where something is sent twice or lost, is to be looked at.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.platforms.slack.platform import SlackPlatform
from botstate.runtime import redeliver
from botstate.runtime.doorbell import doorbell
from tests.runtime.crashes.bots import make_obedient
from tests.runtime.crashes.cases import CASES, Case
from tests.runtime.crashes.deaths import killed, simulated, step
from tests.runtime.crashes.lists import points_of, write_points
from tests.runtime.crashes.visits import Visits
from tests.slack.signing import SlackSender

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visits(slack: SlackSender, slack_api: SlackWebApi, monkeypatch: pytest.MonkeyPatch) -> Visits:
    """The doorbell and the platform are steps; whatever is rung for is lost, but for what `redeliver` rings for."""
    rung: list[int] = []
    send = SlackPlatform.send

    def send_stepping(platform: SlackPlatform, outbound: Any) -> Any:
        step(f"Slack: {outbound.kind}")
        return send(platform, outbound)

    monkeypatch.setattr(SlackPlatform, "send", send_stepping)
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: step("ring"))
    monkeypatch.setattr(redeliver, "publish", rung.extend)
    return Visits(slack, slack_api, rung)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_process_that_dies_at_any_step_breaks_no_promise(
    case: Case, visits: Visits, make_bot: Callable[..., Bot]
) -> None:
    make_obedient(make_bot, **case.options)
    points = visits.of(case, simulated)
    if "BOTSTATE_WRITE_POINTS" in os.environ:
        write_points(case.name, points)
    assert points == points_of(case.name)


@pytest.mark.parametrize("name", ["first message", "turn sent at most once"])
def test_a_process_that_is_killed_leaves_what_a_simulated_death_leaves(
    name: str, visits: Visits, make_bot: Callable[..., Bot]
) -> None:
    (case,) = (case for case in CASES if case.name == name)
    make_obedient(make_bot, **case.options)
    assert visits.of(case, killed) == points_of(case.name)
