"""Fixtures for the commands."""

import pytest

from tests.slack.signing import SlackSender


@pytest.fixture
def slack() -> SlackSender:
    """Send signed requests."""
    return SlackSender()
