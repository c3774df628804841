"""The two webhooks: what gets in, what is stored, and what it costs."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.log import AdminEmailHandler

from botstate import Bot
from botstate.exceptions import StoreUnavailable
from botstate.models import Receipt, Thread, Turn
from botstate.views import slack as views
from tests.slack.signing import SlackSender, payload, sign

pytestmark = pytest.mark.django_db

EVENTS, INTERACTIVE = "/slack/events", "/slack/interactive"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

#: From the view's first statement to its last; BEGIN and COMMIT are included. docs/measurements.md says the same.
STATEMENTS = {"first of a thread": 6, "message": 7, "click": 7, "redelivery": 4, "ignored": 3}


@pytest.fixture(autouse=True)
def bot(make_bot: Callable[..., Bot]) -> Bot:
    made = make_bot(on_lock_conflict="queue")
    handle(made)
    return made


def handle(bot: Bot) -> None:
    """Give the bot something to do with messages."""
    bot.on_message(lambda thread, message: None)


def stored() -> tuple[int, int]:
    return Receipt.objects.count(), Turn.objects.count()


def test_a_mention_is_stored_before_the_200(slack: SlackSender) -> None:
    assert slack.mention().status_code == 200
    turn = Turn.objects.select_related("thread", "receipt").get()
    assert (turn.kind, turn.status, turn.sequence) == ("mention", "waiting", 1)
    assert (turn.thread.bot, turn.thread.platform, turn.thread.workspace) == ("helper", "slack", "T111")
    assert turn.thread.key == "C111:1595926230.009600"
    assert turn.thread.ring_us is not None
    assert turn.receipt is not None
    assert turn.receipt.expires_us - turn.receipt.received_us == pytest.approx(24 * 3600 * 1_000_000, rel=1e-4)


def test_a_redelivery_stores_nothing(slack: SlackSender) -> None:
    slack.mention()
    response = slack.event(payload("event_app_mention"), X_Slack_Retry_Num="1", X_Slack_Retry_Reason="http_timeout")
    assert response.status_code == 200
    assert stored() == (1, 1)


def test_the_twin_of_a_mention_stores_nothing(slack: SlackSender) -> None:
    slack.mention()
    slack.message(ts="1595926230.009600", text="<@W111> Hi there!")
    assert stored() == (1, 1)


def test_a_retry_that_is_the_first_to_arrive_is_accepted_and_says_so(slack: SlackSender) -> None:
    slack.event(payload("event_app_mention"), X_Slack_Retry_Num="2", X_Slack_Retry_Reason="http_error")
    event = json.loads(Turn.objects.get().event)
    assert event["data"]["retry"] == {"num": 2, "reason": "http_error"}


@pytest.mark.parametrize("number", ["x", "", "1.5", "9" * 5_000, "é"])
def test_junk_in_slacks_retry_headers_does_no_harm(slack: SlackSender, number: str) -> None:
    assert slack.event(payload("event_app_mention"), X_Slack_Retry_Num=number).status_code == 200
    assert stored() == (1, 1)


def test_the_challenge_is_answered_and_stores_nothing(slack: SlackSender) -> None:
    response = slack.event(payload("url_verification"))
    assert (response.status_code, response.content.decode()) == (200, payload("url_verification")["challenge"])
    assert stored() == (0, 0)


def test_an_unsigned_challenge_is_refused() -> None:
    body = json.dumps(payload("url_verification")).encode()
    assert Client().post(EVENTS, body, content_type=JSON).status_code == 401


def test_an_ignored_event_leaves_a_receipt_that_says_why(slack: SlackSender) -> None:
    assert slack.event(payload("event_member_joined_channel")).status_code == 200
    assert "member_joined_channel" in Receipt.objects.get().ignored
    assert stored() == (1, 0)


@pytest.mark.parametrize("path", [EVENTS, INTERACTIVE])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "x"},
        {"X-Slack-Request-Timestamp": "1.5"},
        {"X-Slack-Request-Timestamp": "1" * 5_000},
        {"X-Slack-Request-Timestamp": str(int(time.time()) - 301)},
        {"X-Slack-Request-Timestamp": "é"},
        {"X-Slack-Signature": "é" * 67},
        {"X-Slack-Signature": ""},
    ],
    ids=range(9),
)
def test_what_slack_did_not_sign_is_refused_and_leaves_nothing(
    slack: SlackSender, path: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(payload("event_app_mention")).encode()
    wrong = sign(body, secret="wrong") | headers if headers else {}
    with caplog.at_level(logging.DEBUG):
        assert slack.send(path, body, JSON, wrong).status_code == 401
    assert stored() == (0, 0)
    assert not any(secret in caplog.text for secret in ("Hi there!", "v0=", "signing secret", "W222"))


def test_a_stale_request_is_refused_even_if_signed(slack: SlackSender) -> None:
    body = json.dumps(payload("event_app_mention")).encode()
    stale = sign(body, str(int(time.time()) - 301))
    assert slack.send(EVENTS, body, JSON, stale).status_code == 401


MALFORMED: list[tuple[str, bytes]] = [
    (EVENTS, b""),
    (EVENTS, b"{"),
    (EVENTS, b"[]"),
    (EVENTS, b"{}"),
    (EVENTS, b'{"type": "event_callback"}'),
    (EVENTS, b'{"type": "event_callback", "event": [], "team_id": "T1"}'),
    (EVENTS, b'{"type": "event_callback", "event": {"type": "message"}, "team_id": "T1\\u0000"}'),
    (EVENTS, b'{"type": "event_callback", "event": {"type": "message"}, "team_id": "' + b"T" * 3_000 + b'"}'),
    (EVENTS, b"[" * 50_000),
    (EVENTS, b'{"n": 1e999, "x": NaN}'),
    (INTERACTIVE, b""),
    (INTERACTIVE, b"payload=x"),
    (INTERACTIVE, b"payload=%ff"),
    (INTERACTIVE, urlencode({"payload": "[]"}).encode()),
    (INTERACTIVE, urlencode({"payload": '{"type": "block_actions"}'}).encode()),
    (INTERACTIVE, urlencode({"payload": '{"type": "block_actions", "actions": [7]}'}).encode()),
]


@pytest.mark.parametrize(("path", "body"), MALFORMED, ids=range(len(MALFORMED)))
def test_what_slack_signed_and_would_never_send_is_a_400(slack: SlackSender, path: str, body: bytes) -> None:
    assert slack.post(path, body, JSON if path == EVENTS else FORM).status_code == 400
    assert stored() == (0, 0)


def test_a_body_that_is_not_utf8_is_refused(slack: SlackSender) -> None:
    assert slack.post(EVENTS, b'{"a": "\xff"}', JSON).status_code == 401
    assert stored() == (0, 0)


@pytest.mark.parametrize("path", [EVENTS, INTERACTIVE])
def test_only_post_is_allowed(path: str) -> None:
    assert Client().get(path).status_code == 405


def test_a_body_over_the_sites_limit_is_a_400(slack: SlackSender, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    assert slack.mention(text="x" * 2_000).status_code == 400
    assert stored() == (0, 0)


def test_threads_workspaces_and_bots_are_apart(slack: SlackSender) -> None:
    value = payload("event_app_mention")
    slack.event(value)
    slack.event({**value, "team_id": "T222"})
    assert Thread.objects.count() == 2
    assert stored() == (2, 2)


def test_messages_of_a_thread_are_numbered_in_order(slack: SlackSender) -> None:
    slack.mention(ts="1.0")
    for number in range(2, 5):
        slack.message(ts=f"1.{number}", thread_ts="1.0")
    assert list(Turn.objects.order_by("sequence").values_list("sequence", "kind")) == [
        (1, "mention"),
        (2, "message"),
        (3, "message"),
        (4, "message"),
    ]


def test_drop_records_a_message_that_meets_a_waiting_turn_as_dropped(
    slack: SlackSender, make_bot: Callable[..., Bot]
) -> None:
    handle(make_bot(on_lock_conflict="drop"))
    slack.mention(ts="1.0")
    assert slack.message(ts="2.0", thread_ts="1.0").status_code == 200
    first, second = Turn.objects.order_by("sequence")
    assert (first.status, second.status) == ("waiting", "dropped")
    assert second.reason
    assert second.finished_us is not None


def test_a_click_always_queues(slack: SlackSender, make_bot: Callable[..., Bot]) -> None:
    handle(make_bot(on_lock_conflict="drop"))
    slack.mention(ts="1.0")
    slack.click("1.0", "ck:0")
    assert [turn.status for turn in Turn.objects.order_by("sequence")] == ["waiting", "waiting"]


def test_an_expired_receipt_recognises_nothing_any_more(slack: SlackSender) -> None:
    slack.mention()
    Receipt.objects.update(expires_us=1)
    slack.mention()
    assert Turn.objects.count() == 2
    assert Receipt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_number_of_statements_from_request_to_200(slack: SlackSender, make_bot: Callable[..., Bot]) -> None:
    handle(make_bot(on_lock_conflict="drop"))

    def count(send: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert send().status_code == 200
        return len(queries)

    counted = {
        "first of a thread": count(lambda: slack.mention(ts="1.0")),
        "message": count(lambda: slack.message(ts="2.0", thread_ts="1.0")),
        "click": count(lambda: slack.click("1.0", "ck:0")),
        "redelivery": count(lambda: slack.mention(ts="1.0")),
        "ignored": count(lambda: slack.event(payload("event_member_joined_channel"))),
    }
    # MariaDB is also told to give up waiting in time, and that it may wait longer again.
    expected = {
        "postgresql": dict.fromkeys(STATEMENTS, 1),
        "mysql": {name: number + 2 for name, number in STATEMENTS.items()},
        "sqlite": STATEMENTS,
    }
    assert counted == expected[connection.vendor]


@pytest.mark.parametrize("name", ["type", "subtype"])
def test_text_that_a_database_cannot_hold_is_stored_escaped(slack: SlackSender, name: str) -> None:
    value = payload("event_message_channel")
    value["event"][name] = "odd\0"
    assert slack.event(value).status_code == 200
    assert "odd\\x00" in Receipt.objects.get().ignored


@pytest.mark.parametrize("depth", range(92, 103))
def test_a_deep_payload_is_stored_or_malformed(slack: SlackSender, depth: int) -> None:
    value = payload("event_message_channel")
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    value["event"]["deep"] = deep
    assert slack.event(value).status_code in (200, 400)


def test_slacks_word_that_it_limits_the_rate_is_kept(slack: SlackSender) -> None:
    limited = {"type": "app_rate_limited", "team_id": "T111", "minute_rate_limited": 1518467820, "api_app_id": "A111"}
    assert slack.event(limited).status_code == 200
    assert Receipt.objects.get().ignored == "Slack limits the rate"


def test_a_shared_channels_event_belongs_to_the_workspace_of_the_installation(slack: SlackSender) -> None:
    value = payload("event_message_channel")
    value |= {"team_id": "T_OTHER", "authorizations": [{"team_id": "T_INSTALLED", "user_id": "UBOT", "is_bot": True}]}
    slack.event(value)
    assert Thread.objects.get().workspace == "T_INSTALLED"


def test_an_organisations_installation_is_one_workspace_for_events_and_clicks(slack: SlackSender) -> None:
    slack.event(payload("event_message_org_install"))
    thread = Thread.objects.get()
    assert thread.workspace == "E111"
    channel, ts = thread.key.split(":")
    slack.click(ts, "ck:0", channel=channel, team=None, enterprise={"id": "E111"}, is_enterprise_install=True)
    assert list(Turn.objects.values_list("thread_id", "kind")) == [(thread.pk, "mention"), (thread.pk, "click")]


def test_an_authorization_without_a_user_is_no_bot_user(slack: SlackSender) -> None:
    value = payload("event_message_channel")
    value["authorizations"] = [{"team_id": "T111", "user_id": None, "is_bot": True}]
    assert slack.event(value).status_code == 200


def test_the_report_of_a_503_holds_nothing_of_the_request(
    slack: SlackSender, settings: Any, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*arguments: Any) -> None:
        raise StoreUnavailable

    settings.ADMINS = [("Admin", "admin@example.com")]
    monkeypatch.setattr(views, "accept", unavailable)
    request_logger = logging.getLogger("django.request")
    handler = AdminEmailHandler(include_html=True)
    request_logger.addHandler(handler)
    try:
        assert slack.click("1.0", "ck:0").status_code == 503
    finally:
        request_logger.removeHandler(handler)
    mail = mailoutbox[0].body + str(mailoutbox[0].alternatives)
    assert "verification_token" not in mail
    assert "primary-owner" not in mail


def test_why_a_request_is_malformed_is_logged(slack: SlackSender, caplog: pytest.LogCaptureFixture) -> None:
    slack.event({"type": "event_callback", "team_id": "T1", "event": {}})
    assert "the event has no type" in caplog.text


def test_no_database_is_atomic_around_a_webhook() -> None:
    assert views.events._non_atomic_requests == set(connections)  # type: ignore[attr-defined]
