"""Slack's Web API."""

import logging
import re
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, NoReturn
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from botstate.conf import SlackApp, get_settings
from botstate.contracts.events import Origin
from botstate.contracts.platforms import DeliveryDelayed, DeliveryFailed, Outbound, Platform, Sent
from botstate.platforms.slack.conversations import split_conversation
from botstate.platforms.slack.render import render
from botstate.types import Json

TIMEOUT_S = 10
_CODE = re.compile(r"[a-z][a-z0-9_]{1,60}", re.ASCII)
# slack_sdk logs messages and answers, which hold what people wrote. This logger is no part of the logging tree, so
# that no configuration can give it a voice.
_silent = logging.Logger("botstate.platforms.slack.silent", level=logging.CRITICAL + 1)
#: Slack's words for "not now"; every other one is final.
PASSING_ERRORS = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
}


class SlackPlatform(Platform):
    """Sends with slack_sdk's client, one per app, without its in-process retries: the outbox has its own."""

    def render(self, nodes: list[Json]) -> dict[str, Json]:
        """Return {"text", "blocks"}."""
        return render(nodes)

    def send(self, outbound: Outbound) -> Sent:
        """Post a message, or an ephemeral one."""
        client = _client(_app_of(outbound.origin))
        channel, thread_ts = split_conversation(outbound.conversation)
        if outbound.channel not in ("", channel):
            channel, thread_ts = outbound.channel, None
        arguments: dict[str, Any] = {**outbound.payload, "channel": channel, "thread_ts": thread_ts}
        try:
            if outbound.kind == "ephemeral":
                answer = client.chat_postEphemeral(user=outbound.user, **arguments)
                return Sent(channel, str(answer.get("message_ts") or ""))
            answer = client.chat_postMessage(**arguments)
        except SlackApiError as error:
            _raise_refused(error)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise DeliveryDelayed(type(error).__name__) from error
        return Sent(str(answer.get("channel") or channel), str(answer.get("ts") or ""))


def _app_of(origin: Origin) -> SlackApp:
    apps = get_settings().slack
    for app in apps:
        # An entry without BOT belongs to the only bot there is.
        if app.app_id == origin.app and app.bot in (origin.bot, None):
            return app
    raise DeliveryFailed("no_such_app_in_settings")


@lru_cache(maxsize=100)
def _client(app: SlackApp) -> WebClient:
    return WebClient(token=app.bot_token, base_url=app.api_url, timeout=TIMEOUT_S, retry_handlers=[], logger=_silent)


def _raise_refused(error: SlackApiError) -> NoReturn:
    response = error.response
    code = str(response.get("error"))
    if not _CODE.fullmatch(code):
        # Whatever a proxy answered instead of Slack may hold anything.
        code = f"http_{response.status_code}"
    is_busy = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    if is_busy or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or code in PASSING_ERRORS:
        raise DeliveryDelayed(code, _retry_after_s(response.headers)) from error
    raise DeliveryFailed(code) from error


def _retry_after_s(headers: Any) -> float | None:
    """Return Slack's Retry-After in seconds; None when it is missing or no number."""
    try:
        return float({name.lower(): value for name, value in headers.items()}["retry-after"])
    except (KeyError, ValueError, TypeError):
        return None
