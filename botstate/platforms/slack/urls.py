"""`path("slack/", include("botstate.platforms.slack.urls"))`"""

from django.urls import path

from botstate.views import slack

app_name = "botstate-slack"

urlpatterns = [
    path("events", slack.events, name="events"),
    path("interactive", slack.interactive, name="interactive"),
    path("commands", slack.commands, name="commands"),
]
