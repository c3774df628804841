"""Fixtures for running turns against a local Slack Web API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.actions.resolving import hot_controls
from botstate.models import Thread
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.desk import Desk, RunAll
from tests.settings import BOTSTATE
from tests.slack.signing import SlackSender


@pytest.fixture
def slack_api(settings: Any) -> Iterator[SlackWebApi]:
    """A local Slack Web API that the settings point to."""
    with SlackWebApi(token="xoxb-tests") as api:
        settings.BOTSTATE = {**BOTSTATE, "SLACK": {**BOTSTATE["SLACK"], "API_URL": api.url}}
        yield api


@pytest.fixture
def slack(slack_api: SlackWebApi) -> SlackSender:
    """Send signed requests to a site whose bot posts to the local API."""
    return SlackSender()


@pytest.fixture
def run_all() -> Callable[[], list[Drained]]:
    """Run every thread once."""
    return lambda: [run_thread(pk) for pk in Thread.objects.order_by("pk").values_list("pk", flat=True)]


@pytest.fixture
def restart() -> Callable[[], None]:
    """Forget what a process keeps in memory."""
    return hot_controls.clear


@pytest.fixture
def desk(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> Desk:
    """A bot that has posted its card."""
    desk = Desk(make_bot, slack, run_all)
    desk.post()
    return desk
