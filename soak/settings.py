"""Settings of the site and the workers of a run."""

import os

from botproject.settings import *  # noqa: F403
from botproject.settings import BOTSTATE, INSTALLED_APPS
from soak.slack_apps import BOTS, secret_of

INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app != "botproject.support"), "soak"]
_APP = BOTSTATE["SLACK"]
BOTSTATE["SLACK"] = [
    {**_APP, "BOT": name, "APP_ID": name, "SIGNING_SECRET": secret_of(name, _APP["SIGNING_SECRET"])} for name in BOTS
]
CELERY_BEAT_SCHEDULE = {
    "botstate.redeliver": {"task": "botstate.redeliver", "schedule": 0.5, "options": {"expires": 5}},
    "botstate.sweep": {"task": "botstate.sweep", "schedule": 5, "options": {"expires": 5}},
}
CELERY_TASK_ACKS_LATE = os.environ.get("SOAK_ACKS_LATE", "") == "1"
if CELERY_TASK_ACKS_LATE:
    CELERY_TASK_REJECT_ON_WORKER_LOST = True
