"""The Celery app of the example project."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

# See botproject/broker.py for what is wrong with the one that comes with kombu.
TRANSPORT_ALIASES["filesystem"] = "botproject.broker:Transport"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botproject.settings")

app = Celery("botproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
