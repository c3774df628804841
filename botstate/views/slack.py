"""Slack's webhooks. An answer of 200 means that the event is stored."""

import logging
import re
from collections.abc import Callable
from functools import wraps

from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from botstate.conf import SlackApp, get_settings
from botstate.contracts.addresses import readable
from botstate.contracts.events import Event, Ignored
from botstate.db.errors import described
from botstate.exceptions import NotSerializable, StoreError, WebhookRejected
from botstate.platforms.slack.parse import (
    MalformedRequest,
    parse_challenge,
    parse_command,
    parse_event,
    parse_form,
    parse_form_payload,
    parse_interaction,
    parse_json,
)
from botstate.platforms.slack.verify import verify
from botstate.runtime.bot import Bot
from botstate.runtime.doorbell import doorbell
from botstate.runtime.inbox import accept, accept_ignored
from botstate.runtime.registry import bots
from botstate.types import Json

logger = logging.getLogger("botstate.webhooks")

_RETRY_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)

View = Callable[[HttpRequest], HttpResponse]
VerifiedView = Callable[[HttpRequest, SlackApp, bytes], HttpResponse]


def webhook(view: VerifiedView) -> View:
    """Turn a view of verified bytes into a webhook.

    401 for what Slack did not sign, 400 for what it signed and would never send, 503 when the event could not be
    stored, so that Slack sends it again. No answer and no log line holds anything of the request.
    """

    @csrf_exempt
    @require_POST
    @sensitive_post_parameters()
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        try:
            body = request.body
            return view(request, verify(get_settings().slack, _signature(request), body), body)
        except WebhookRejected as error:
            logger.warning("refused a request to %s: %s", request.path, error)
            return HttpResponse(status=401)
        except MalformedRequest as error:
            logger.warning("malformed request to %s: %s", request.path, error)
            return HttpResponse(status=400)
        except (NotSerializable, UnreadablePostError, RawPostDataException) as error:
            logger.warning("malformed request to %s: %s", request.path, type(error).__name__)
            return HttpResponse(status=400)
        except StoreError as error:
            cause = "no cause" if error.__cause__ is None else described(error.__cause__)
            logger.error("could not store an event: %s (%s)", type(error).__name__, cause)
            return HttpResponse(status=503)

    for alias in connections:
        # An event is stored before it is answered, whatever ATOMIC_REQUESTS says.
        answer = transaction.non_atomic_requests(using=alias)(answer)
    return answer


@webhook
def events(request: HttpRequest, app: SlackApp, body: bytes) -> HttpResponse:
    """The Events API."""
    payload = parse_json(body)
    challenge = parse_challenge(payload)
    if challenge is not None:
        return HttpResponse(challenge, content_type="text/plain")
    bot = bots.for_app(app.bot)
    return _store(bot, parse_event(payload, bot.name, app.app_id, _retry(request)))


@webhook
def interactive(request: HttpRequest, app: SlackApp, body: bytes) -> HttpResponse:
    """Clicks, modals and shortcuts."""
    payload = parse_form_payload(body)
    bot = bots.for_app(app.bot)
    return _store(bot, parse_interaction(payload, bot.name, app.app_id))


@webhook
def commands(request: HttpRequest, app: SlackApp, body: bytes) -> HttpResponse:
    """Slash commands."""
    form = parse_form(body)
    if form.get("ssl_check") == "1":
        # Slack looks at the certificate now and then.
        return HttpResponse(status=200)
    bot = bots.for_app(app.bot)
    return _store(bot, parse_command(form, bot.name, app.app_id))


def _store(bot: Bot, event: Event | Ignored) -> HttpResponse:
    using = get_settings().database
    accepted = accept_ignored(using, bot, event) if isinstance(event, Ignored) else accept(using, bot, event)
    if accepted.thread_id is not None:
        doorbell.ring(accepted.thread_id, accepted.wait_us / 1_000_000)
    return HttpResponse(status=200)


def _signature(request: HttpRequest) -> dict[str, str]:
    """Return the two headers that sign a request. To build Django's view of all headers takes longer than to verify."""
    return {
        "X-Slack-Request-Timestamp": request.META.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", ""),
        "X-Slack-Signature": request.META.get("HTTP_X_SLACK_SIGNATURE", ""),
    }


def _retry(request: HttpRequest) -> dict[str, Json]:
    """Return what Slack says of its earlier tries: {"num", "reason"}, or nothing the first time."""
    number = request.META.get("HTTP_X_SLACK_RETRY_NUM", "")
    if not _RETRY_NUMBER.fullmatch(number):
        return {}
    return {"num": int(number), "reason": readable(request.META.get("HTTP_X_SLACK_RETRY_REASON", ""))[:100]}
