"""The platform of an origin. Platforms are named here, not imported: the runtime knows none of them."""

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from botstate.contracts.platforms import Platform
from botstate.exceptions import BotStateMisconfigured

PLATFORMS = {"slack": "botstate.platforms.slack.platform.SlackPlatform"}


@cache
def get_platform(name: str) -> Platform:
    """Return the platform of this name, one object per process. Raises BotStateMisconfigured for an unknown one."""
    if name not in PLATFORMS:
        raise BotStateMisconfigured(f"there is no platform {name!r}; there is {sorted(PLATFORMS)}")
    return cast(Platform, import_string(PLATFORMS[name])())
