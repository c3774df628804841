"""The example project: a site, a worker and a bot that use botstate."""

from botproject.celery import app as celery_app

__all__ = ["celery_app"]
