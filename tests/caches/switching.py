"""Switching the caches of a channel on."""

from typing import Any

from django.test import override_settings


def switched_on(channel: str, timeout_s: float = 10) -> Any:
    """Keep the channel's caches in the default store."""
    return override_settings(BOTSTATE={"CACHES": {channel: {"PERSISTENT": True, "TIMEOUT": timeout_s}}})
