"""Settings of the site and the worker that the tests start."""

import os

from botproject.settings import *  # noqa: F403
from botproject.settings import BOTSTATE, INSTALLED_APPS

INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app != "botproject.support"), "tests.processes"]
BOTSTATE["SLACK"]["BOT"] = "helper"
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": 0.5, "options": {"expires": 5}}
    for name in ("botstate.redeliver", "botstate.sweep")
}
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "filesystem://")
