"""The Celery app, with the empty task that turns are compared with."""

from celery import Celery

from bench.runtime import marks

app = Celery("bench")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task(name="bench.empty", ignore_result=True)
def empty(place: int) -> None:
    """Do nothing but say when."""
    marks.mark(place)
