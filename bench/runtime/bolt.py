"""Bolt's adapter for Django, as its documentation has it, with a listener that does nothing."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from slack_bolt import App
from slack_bolt.adapter.django import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult

from bench.runtime.environment import SECRET


def _authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
    # Known beforehand, so that nobody asks Slack.
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=None, bot_id="B1", bot_user_id="U1")


_app = App(signing_secret=SECRET, authorize=_authorize)
_handler = SlackRequestHandler(_app)


@_app.event("app_mention")
def _listen() -> None:
    pass


@csrf_exempt
def events(request: HttpRequest) -> HttpResponse:
    """Let Bolt answer."""
    return _handler.handle(request)


urlpatterns = [path("events", events)]
