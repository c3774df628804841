"""Is this request signed by Slack? Decided on the raw bytes, before anything is parsed."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from slack_sdk.signature import Clock, SignatureVerifier

from botstate.conf import SlackApp
from botstate.exceptions import WebhookRejected

# Slack's verifier raises on timestamps and signatures of another form, so they are refused before it sees them.
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


def verify(apps: Sequence[SlackApp], headers: Mapping[str, str], body: bytes, clock: Clock | None = None) -> SlackApp:
    """Return the app whose secret signed `body`, or raise WebhookRejected.

    The timestamp may be at most 5 minutes off `clock`, the web host's by default. The error holds neither body nor
    signature nor secret.
    """
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        raise WebhookRejected("Slack's timestamp or signature header is missing or malformed")
    for app in apps:
        verifier = _verifier(app.signing_secret) if clock is None else SignatureVerifier(app.signing_secret, clock)
        try:
            if verifier.is_valid(body, timestamp, signature):
                return app
        except UnicodeDecodeError as error:
            raise WebhookRejected("the body is not UTF-8") from error
    raise WebhookRejected("the request is stale or not signed with a known secret")


@lru_cache(maxsize=100)
def _verifier(secret: str) -> SignatureVerifier:
    return SignatureVerifier(secret)
