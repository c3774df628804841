"""Settings of the site and the worker that the tests start."""

import os

from botproject.settings import *  # noqa: F403
from botproject.settings import BOTSTATE, INSTALLED_APPS
from botstate.tasks import BEAT_SCHEDULE

INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app != "botproject.support"), "tests.processes"]
BOTSTATE["SLACK"]["BOT"] = "helper"
CELERY_BEAT_SCHEDULE = {name: {**entry, "schedule": 0.5} for name, entry in BEAT_SCHEDULE.items()}
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "filesystem://")
