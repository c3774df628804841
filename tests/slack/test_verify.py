"""Only what Slack signed gets in."""

import time

import pytest
from slack_sdk.signature import Clock

from botstate.conf import SlackApp
from botstate.exceptions import WebhookRejected
from botstate.platforms.slack.verify import verify
from tests.slack.signing import sign

pytestmark = pytest.mark.once

APPS = (SlackApp(signing_secret="first", bot="a"), SlackApp(signing_secret="second", bot="b"))
BODY = b'{"type": "event_callback"}'


class FixedClock(Clock):
    """A clock that stands still."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


def test_the_app_is_the_one_whose_secret_signed() -> None:
    assert verify(APPS, sign(BODY, secret="second"), BODY).bot == "b"


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_up_to_five_minutes_off_is_fresh(age: int) -> None:
    headers = sign(BODY, "1000000", "first")
    assert verify(APPS, headers, BODY, FixedClock(1_000_000 + age)).bot == "a"


@pytest.mark.parametrize("age", [-301, 301, 10**9])
def test_more_is_stale(age: int) -> None:
    with pytest.raises(WebhookRejected):
        verify(APPS, sign(BODY, "1000000", "first"), BODY, FixedClock(1_000_000 + age))


NOW = str(int(time.time()))
JUNK = ["", "x", "1.5", "-1", " 1", "1" * 5_000, "١٢٣", "1e9", "0x10", "é", NOW + "\n", "+" + NOW]


@pytest.mark.parametrize("timestamp", JUNK, ids=range(len(JUNK)))
def test_junk_timestamps_are_refused(timestamp: str) -> None:
    headers = sign(BODY, NOW, "first") | {"X-Slack-Request-Timestamp": timestamp}
    with pytest.raises(WebhookRejected):
        verify(APPS, headers, BODY)


SIGNATURE = sign(BODY, NOW, "first")["X-Slack-Signature"]
BAD = [
    "",
    "v0=",
    "v0=" + "0" * 64,
    SIGNATURE.upper(),
    SIGNATURE[3:],
    SIGNATURE + "0",
    "v1" + SIGNATURE[2:],
    "v0=é" * 20,
    "v0=" + "0" * 10_000,
]


@pytest.mark.parametrize("signature", BAD, ids=range(len(BAD)))
def test_wrong_signatures_are_refused(signature: str) -> None:
    with pytest.raises(WebhookRejected):
        verify(APPS, sign(BODY, NOW, "first") | {"X-Slack-Signature": signature}, BODY)


@pytest.mark.parametrize("missing", ["X-Slack-Request-Timestamp", "X-Slack-Signature"])
def test_missing_headers_are_refused(missing: str) -> None:
    headers = sign(BODY, secret="first")
    del headers[missing]
    with pytest.raises(WebhookRejected):
        verify(APPS, headers, BODY)


def test_a_body_that_is_not_utf8_is_refused_even_if_signed() -> None:
    with pytest.raises(WebhookRejected):
        verify(APPS, sign(b"\xff\xfe", secret="first"), b"\xff\xfe")


def test_another_body_is_refused() -> None:
    with pytest.raises(WebhookRejected):
        verify(APPS, sign(BODY, secret="first"), BODY + b" ")


def test_without_apps_nothing_gets_in() -> None:
    with pytest.raises(WebhookRejected):
        verify((), sign(BODY, secret=""), BODY)


def test_the_error_holds_nothing_of_the_request() -> None:
    with pytest.raises(WebhookRejected) as caught:
        verify(APPS, sign(BODY, NOW, "wrong"), BODY)
    said = repr(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)
    assert not any(word in said for word in ("first", "second", "event_callback", "v0="))
