"""Where the contestants among the webhooks are; each is sent to on a server of its own."""

from importlib.util import find_spec

from django.urls import include, path

from bench.runtime import bare

urlpatterns = [
    path("bare/events", bare.events),
    path("slack/", include("botstate.platforms.slack.urls")),
]
if find_spec("slack_bolt"):
    urlpatterns.append(path("bolt/", include("bench.runtime.bolt")))
