"""A post that is on its way while another worker takes its thread: it is not sent by that one, too."""

from collections.abc import Callable
from threading import Event

import pytest

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.contracts.platforms import Outbound, Sent
from botstate.db.clock import now_us
from botstate.models import Delivery, ThreadLease, Turn
from botstate.runtime.doorbell import doorbell
from botstate.runtime.platforms import get_platform
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.busy import Elsewhere, only_thread, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)

PROMISES = ["at_least_once", "at_most_once"]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every ring of the doorbell."""
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append(thread_id))
    return rung


class SlowSlack:
    """Takes the first message, and keeps its answer back until it is let go, or for ever where its sender dies."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, api: SlackWebApi) -> None:
        self.asked, self.go = Event(), Event()
        self.sender_dies = False
        self._api = api
        platform = get_platform("slack")
        self._real = platform.send
        monkeypatch.setattr(platform, "send", self._send)

    def _send(self, outbound: Outbound) -> Sent:
        sent = self._real(outbound)
        if not self.asked.is_set():
            self.asked.set()
            if self.sender_dies:
                raise KeyboardInterrupt
            assert self.go.wait(20)
        return sent

    @property
    def texts(self) -> list[str]:
        return [call.arguments["text"] for call in self._api.calls]


@pytest.fixture
def slow_slack(monkeypatch: pytest.MonkeyPatch, slack_api: SlackWebApi) -> SlowSlack:
    return SlowSlack(monkeypatch, slack_api)


@pytest.fixture
def sending(make_bot: Callable[..., Bot], slack: SlackSender, slow_slack: SlowSlack) -> Callable[[str], SlowSlack]:
    """Have something to send, to a slow Slack."""

    def send_to(delivery: str) -> SlowSlack:
        make_bot(delivery=delivery, lock_ttl=60).on_message(lambda thread, message: thread.post("answer"))
        send(slack, "1")
        return slow_slack

    return send_to


@pytest.mark.parametrize("delivery", PROMISES)
def test_force_leaves_a_post_that_is_on_its_way_to_its_sender(
    make_bot: Callable[..., Bot], slack: SlackSender, slow_slack: SlowSlack, rung: list[int], delivery: str
) -> None:
    bot = make_bot(on_lock_conflict="force", atomic_turns=False, delivery=delivery)
    bot.on_message(lambda thread, message: thread.post(f"answer {message.text}"))
    send(slack, "1")
    first = Elsewhere(only_thread())
    assert slow_slack.asked.wait(10)
    send(slack, "2")
    assert run_thread(only_thread()) == Drained.IDLE
    assert statuses() == ["superseded", "done"]
    assert slow_slack.texts == ["answer 1"], "the second waits for it"
    rung.clear()
    slow_slack.go.set()
    assert first.join() == Drained.SUPERSEDED
    assert rung == [only_thread()]
    assert run_thread(only_thread()) == Drained.IDLE
    assert slow_slack.texts == ["answer 1", "answer 2"]
    assert {delivery.status for delivery in Delivery.objects.all()} == {"sent"}


@pytest.mark.parametrize("delivery", PROMISES)
def test_a_turn_that_runs_for_too_long_while_it_posts_posts_once(
    make_bot: Callable[..., Bot], slack: SlackSender, slow_slack: SlowSlack, delivery: str
) -> None:
    bot = make_bot(turn_timeout="200ms", atomic_turns=False, delivery=delivery)
    bot.on_message(lambda thread, message: thread.post("answer"))
    send(slack, "1")
    first = Elsewhere(only_thread())
    assert slow_slack.asked.wait(10)
    wait_until(lambda: statuses() == ["failed"], "the timeout", 10)
    bot.turn_timeout_us = 60_000_000
    Turn.objects.update(due_us=0)
    assert run_thread(only_thread()) == Drained.IDLE
    slow_slack.go.set()
    assert first.join() == Drained.SUPERSEDED
    assert run_thread(only_thread()) == Drained.IDLE
    assert slow_slack.texts == ["answer"]
    assert statuses() == ["done"]
    assert Delivery.objects.get().status == "sent"


@pytest.mark.parametrize(
    ("delivery", "calls", "end"), [("at_least_once", 2, "sent "), ("at_most_once", 1, "failed perhaps_sent")]
)
def test_what_a_dead_worker_was_sending_waits_for_no_longer_than_a_lease_lives(
    sending: Callable[[str], SlowSlack], delivery: str, calls: int, end: str
) -> None:
    slow_slack = sending(delivery)
    slow_slack.sender_dies = True
    with pytest.raises(KeyboardInterrupt):
        run_thread(only_thread())
    assert Delivery.objects.get().due_us <= now_us("default") + 60_000_000
    ThreadLease.objects.update(expires_us=0)
    run_thread(only_thread())
    assert slow_slack.texts == ["answer"]
    # As when that time has passed.
    Delivery.objects.update(due_us=0)
    assert run_thread(only_thread()) == Drained.IDLE
    assert slow_slack.texts == ["answer"] * calls
    left = Delivery.objects.get()
    assert f"{left.status} {left.error}" == end
