"""Sending what turns posted: in order, once marked never again, given up visibly."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import RATE_LIMITED, Fault, SlackWebApi
from botstate import Bot
from botstate.contracts.platforms import DeliveryDelayed, Outbound, Sent
from botstate.models import Delivery, Thread, ThreadLease, Turn
from botstate.platforms.slack.platform import SlackPlatform
from botstate.runtime import outbox
from botstate.runtime.worker import Drained
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture(autouse=True)
def bot(make_bot: Callable[..., Bot]) -> Bot:
    bot = make_bot(on_lock_conflict="queue")

    @bot.on_message
    def count(thread: Any, message: Any) -> None:
        for number in range(3):
            thread.post(f"{message.id} {number}")

    return bot


def texts(api: SlackWebApi) -> list[str]:
    return [call.arguments["text"] for call in api.done("chat.postMessage")]


def test_posts_go_out_in_order_and_are_marked(slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> None:
    slack.message(ts="1.0")
    run_all()
    assert texts(slack_api) == ["1.0 0", "1.0 1", "1.0 2"]
    for delivery, call in zip(Delivery.objects.order_by("id"), slack_api.calls, strict=True):
        assert (delivery.status, delivery.attempts, delivery.ref) == ("sent", 1, call.ts)
        assert delivery.message_digest is not None


def test_a_rate_limit_delays_the_thread_and_keeps_the_order(
    slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    slack_api.fail_next(Fault("ratelimited", status=429, retry_after_s=30))
    slack.message(ts="1.0")
    assert run_all() == [Drained.IDLE]
    first = Delivery.objects.earliest("id")
    assert (first.status, first.attempts, first.error) == ("waiting", 1, "ratelimited")
    assert first.due_us >= first.created_us + 30_000_000
    assert Thread.objects.get().ring_us == first.due_us
    assert texts(slack_api) == []
    Delivery.objects.update(due_us=0)
    run_all()
    assert texts(slack_api) == ["1.0 0", "1.0 1", "1.0 2"]


def test_a_delayed_message_does_not_hold_up_the_next_turn(
    slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    slack_api.fail_next(RATE_LIMITED)
    slack.message(ts="1.0")
    run_all()
    slack.message(ts="1.1", thread_ts="1.0")
    run_all()
    assert [turn.status for turn in Turn.objects.all()] == ["done", "done"]
    Delivery.objects.update(due_us=0)
    run_all()
    assert texts(slack_api) == [f"{ts} {number}" for ts in ("1.0", "1.1") for number in range(3)]


def test_a_refused_message_fails_visibly_and_the_others_go_out(
    slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    slack_api.fail_next(Fault("channel_not_found"))
    slack.message(ts="1.0")
    run_all()
    first = Delivery.objects.earliest("id")
    assert (first.status, first.error) == ("failed", "channel_not_found")
    assert texts(slack_api) == ["1.0 1", "1.0 2"]
    assert Turn.objects.get().status == "done"


@pytest.mark.parametrize("fault", [Fault("x", status=500), Fault("internal_error"), Fault("ratelimited", status=429)])
def test_a_passing_error_is_tried_again_and_given_up_in_the_end(
    slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, fault: Fault
) -> None:
    slack_api.fail_next(fault, times=12)
    slack.message(ts="1.0")
    for _ in range(12):
        assert not texts(slack_api)
        run_all()
        Delivery.objects.update(due_us=0)
    assert Delivery.objects.earliest("id").status == "failed"
    run_all()
    assert texts(slack_api) == ["1.0 1", "1.0 2"]


def test_a_slack_that_is_down_is_a_passing_error(slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> None:
    slack.message(ts="1.0")
    slack_api.close()
    run_all()
    first = Delivery.objects.earliest("id")
    assert (first.status, first.error) == ("waiting", "URLError")
    assert Turn.objects.get().status == "done"


def test_what_an_earlier_worker_left_unsent_is_sent(
    slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    slack.message(ts="1.0")
    run_all()
    Delivery.objects.filter(position__gt=0).update(status="waiting", due_us=0)
    run_all()
    assert texts(slack_api) == ["1.0 0", "1.0 1", "1.0 2", "1.0 1", "1.0 2"]


def test_a_message_that_is_never_answered_is_given_up(
    slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*arguments: Any) -> None:
        raise KeyboardInterrupt

    slack.message(ts="1.0")
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_mark_sent", dies)
        for _ in range(12):
            with pytest.raises(KeyboardInterrupt):
                run_all()
            ThreadLease.objects.update(expires_us=0)
            Delivery.objects.update(due_us=0)
    run_all()
    first = Delivery.objects.earliest("id")
    assert (first.status, first.attempts) == ("failed", 12)
    assert texts(slack_api)[12:] == ["1.0 1", "1.0 2"]


def test_two_messages_of_one_name_are_both_marked_as_sent(
    slack: SlackSender, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlackPlatform, "send", lambda self, outbound: Sent("C111", "7.7"))
    slack.message(ts="1.0")
    run_all()
    assert [delivery.status for delivery in Delivery.objects.all()] == ["sent"] * 3


@pytest.mark.parametrize("seconds", [1e30, float("inf"), float("nan"), -1.0])
def test_an_absurd_retry_after_is_bounded(
    slack: SlackSender, run_all: RunAll, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    def refuse(self: SlackPlatform, outbound: Outbound) -> Sent:
        raise DeliveryDelayed("ratelimited", seconds)

    monkeypatch.setattr(SlackPlatform, "send", refuse)
    slack.message(ts="1.0")
    run_all()
    first = Delivery.objects.earliest("id")
    assert first.status == "waiting"
    assert 0 < first.due_us - first.created_us <= 3_700_000_000
