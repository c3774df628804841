"""Slack's Web API."""

import logging
import math
import re
import socket
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, NoReturn
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from botstate.caches.slack import participation
from botstate.conf import SlackApp, get_settings
from botstate.contracts.events import Event, Origin
from botstate.contracts.platforms import DeliveryDelayed, DeliveryFailed, Outbound, Platform, Sent
from botstate.platforms.slack.conversations import split_conversation
from botstate.platforms.slack.render import render, render_modal
from botstate.types import Json

TIMEOUT_S = 10
_CODE = re.compile(r"[a-z][a-z0-9_]{1,60}", re.ASCII)
# slack_sdk logs messages and answers, which hold what people wrote. This logger is no part of the logging tree, so
# that no configuration can give it a voice.
_silent = logging.Logger("botstate.platforms.slack.silent", level=logging.CRITICAL + 1)
#: Slack's words for "not now", before it looked at the message; and those after which it may have taken it.
RATE_ERRORS = {"ratelimited", "rate_limited"}
#: Every other word is final.
PASSING_ERRORS = {
    *RATE_ERRORS,
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
}
#: What fails so has not sent a byte to Slack.
_NEVER_REACHED = (ConnectionRefusedError, socket.gaierror)


class SlackPlatform(Platform):
    """Sends with slack_sdk's client, one per app, without its in-process retries: the outbox has its own."""

    def render(self, nodes: list[Json]) -> dict[str, Json]:
        """Return {"text", "blocks"}, or {"text", "attachments"} with an accent."""
        return render(nodes)

    def render_modal(self, nodes: list[Json]) -> dict[str, Json]:
        """Return the view."""
        modal = next((node for node in nodes if node["type"] == "modal"), None)
        if modal is None:
            raise ValueError("there is no modal to open")
        return render_modal(modal)

    def root_of(self, conversation: str) -> Sent | None:
        """Return the message that a thread hangs from; a direct message's conversation has none."""
        channel, thread_ts = split_conversation(conversation)
        return None if thread_ts is None else Sent(channel, thread_ts)

    def takes_part(self, event: Event) -> bool:
        """True for a direct message, and in a thread that is remembered."""
        root = self.root_of(event.conversation)
        if root is None:
            return True
        return participation.has_participated(*_account_of(event.origin), root.channel, root.ref)

    def record_participation(self, origin: Origin, conversation: str, sent: Sent | None = None) -> None:
        """Remember the thread; a message outside of any, or in another channel, is the root of one to come."""
        root = self.root_of(conversation)
        if sent is not None and (root is None or root.channel != sent.channel):
            root = sent
        if root is not None and root.channel and root.ref:
            participation.record(*_account_of(origin), root.channel, root.ref)

    def send(self, outbound: Outbound) -> Sent:
        """Post, update or delete a message, or post an ephemeral one."""
        client = _client(_app_of(outbound.origin))
        try:
            return _SENDERS[outbound.kind](client, outbound)
        except SlackApiError as error:
            _raise_refused(error)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise DeliveryDelayed(type(error).__name__, is_unsent=isinstance(reason, _NEVER_REACHED)) from error


def _post(client: WebClient, outbound: Outbound) -> Sent:
    channel, thread_ts = _place(outbound)
    answer = client.chat_postMessage(channel=channel, thread_ts=thread_ts, **outbound.payload)
    return Sent(str(answer.get("channel") or channel), str(answer.get("ts") or ""))


def _post_ephemeral(client: WebClient, outbound: Outbound) -> Sent:
    channel, thread_ts = _place(outbound)
    answer = client.chat_postEphemeral(channel=channel, user=outbound.user, thread_ts=thread_ts, **outbound.payload)
    return Sent(channel, str(answer.get("message_ts") or ""))


def _update(client: WebClient, outbound: Outbound) -> Sent:
    # What is not mentioned stays: blocks when a message gets an accent, the attachment when it loses it.
    client.chat_update(
        channel=outbound.channel, ts=outbound.ref, **{"blocks": [], "attachments": [], **outbound.payload}
    )
    return Sent(outbound.channel, outbound.ref)


def _delete(client: WebClient, outbound: Outbound) -> Sent:
    client.chat_delete(channel=outbound.channel, ts=outbound.ref)
    return Sent(outbound.channel, outbound.ref)


def _open_modal(client: WebClient, outbound: Outbound) -> Sent:
    answer = client.views_open(trigger_id=outbound.payload["trigger_id"], view=outbound.payload["view"])
    view = answer.get("view")
    # A modal is in no channel; what it is called there is what its submission is about.
    return Sent("", str(view.get("id") or "") if isinstance(view, dict) else "")


_SENDERS: dict[str, Callable[[WebClient, Outbound], Sent]] = {
    "post": _post,
    "ephemeral": _post_ephemeral,
    "update": _update,
    "delete": _delete,
    "modal": _open_modal,
}


def _place(outbound: Outbound) -> tuple[str, str | None]:
    """Return the channel and the thread in it; a message to another channel is in none."""
    channel, thread_ts = split_conversation(outbound.conversation)
    return (channel, thread_ts) if outbound.channel in ("", channel) else (outbound.channel, None)


def _account_of(origin: Origin) -> tuple[str, str]:
    """Return whose participation it is, and in which workspace."""
    return f"{origin.bot}/{origin.app}", origin.workspace


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
        is_unsent = is_busy or code in RATE_ERRORS
        raise DeliveryDelayed(code, _retry_after_s(response.headers), is_unsent=is_unsent) from error
    raise DeliveryFailed(code) from error


def _retry_after_s(headers: Any) -> float | None:
    """Return Slack's Retry-After in seconds; None when it is missing or no time to wait."""
    try:
        seconds = float({name.lower(): value for name, value in headers.items()}["retry-after"])
    except (KeyError, ValueError, TypeError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
