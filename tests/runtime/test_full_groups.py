"""Messages that wait for each other where `max_waiting` drops the oldest: a steady flow must not stop the bot."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from botstate import Bot
from botstate.models import Turn
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import Drained
from tests.runtime.busy import press, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]
#: So long that what the test itself takes is nothing beside it.
QUIET_S = 600
#: After how many quiet periods a group is due, however many people go on writing.
LONGEST = {"burst": 1, "debounce": 20}

each_policy = pytest.mark.parametrize("policy", list(LONGEST))
each_limit = pytest.mark.parametrize("max_waiting", [1, 2, 3])


class Flow:
    """A bot whose messages wait for each other, and people who write to it."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, **options: Any) -> None:
        self.ran: list[Any] = []
        self._slack, self._run_all = slack, run_all
        self._numbers = itertools.count(1)
        bot = make_bot(quiet_period=QUIET_S, **options)
        bot.on_message(lambda thread, message: self.ran.append([each.text for each in (*message.skipped, message)]))
        bot.on_interaction("go")(lambda thread, click: self.ran.append("click"))

    def send(self, count: int = 1) -> None:
        send(self._slack, *(str(next(self._numbers)) for _ in range(count)))

    def pass_time(self, periods: float) -> None:
        """Let quiet periods pass for what waits, as the database sees it."""
        us = int(periods * QUIET_S * 1_000_000)
        Turn.objects.filter(due_us__gt=0).update(due_us=F("due_us") - us)
        Turn.objects.update(received_us=F("received_us") - us)

    def run(self) -> None:
        self._run_all()


@pytest.fixture
def make_flow(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> Callable[..., Flow]:
    return partial(Flow, make_bot, slack, run_all)


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    rung: list[float] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append(delay_s))
    return rung


@each_policy
@each_limit
def test_a_steady_flow_into_a_full_group_runs_in_time(
    make_flow: Callable[..., Flow], policy: str, max_waiting: int
) -> None:
    flow = make_flow(on_lock_conflict=policy, max_waiting=max_waiting)
    flow.send()
    last = 1 + 2 * LONGEST[policy]
    for number in range(2, last + 1):
        flow.run()
        assert flow.ran == [], f"before message {number}, and not in time yet"
        flow.pass_time(0.5)
        flow.send()
    flow.run()
    assert flow.ran == [[str(number) for number in range(last - max_waiting + 1, last + 1)]]
    flow.send()
    flow.run()
    assert len(flow.ran) == 1, "the next group begins anew"


@each_policy
@each_limit
def test_a_full_group_waits_as_long_as_another(
    make_flow: Callable[..., Flow], rung: list[float], policy: str, max_waiting: int
) -> None:
    flow = make_flow(on_lock_conflict=policy, max_waiting=max_waiting)
    flow.send(5)
    flow.run()
    assert flow.ran == []
    assert rung[-1] == pytest.approx(QUIET_S, abs=5)
    flow.pass_time(1)
    flow.run()
    assert flow.ran == [["1", "2", "3", "4", "5"][-max_waiting:]]


@each_policy
def test_what_begins_after_a_click_does_not_take_the_time_of_what_was_dropped_before_it(
    make_flow: Callable[..., Flow], slack: SlackSender, policy: str
) -> None:
    flow = make_flow(on_lock_conflict=policy, max_waiting=1)
    flow.send()
    flow.pass_time(LONGEST[policy] + 1)
    press(slack)
    flow.send()
    flow.run()
    assert flow.ran == ["click"]
    assert statuses() == ["dropped", "done", "waiting"]


@each_policy
def test_a_group_in_front_of_another_policy_keeps_its_time(
    make_flow: Callable[..., Flow], make_bot: Callable[..., Bot], policy: str
) -> None:
    flow = make_flow(on_lock_conflict=policy, max_waiting=2)
    flow.send(2)
    first, second = Turn.objects.order_by("sequence").values("due_us", "received_us")
    make_bot(on_lock_conflict="queue", max_waiting=2).on_message(lambda thread, message: None)
    flow.send()
    counted_from = "due_us" if policy == "burst" else "received_us"
    expected = {**second, counted_from: first[counted_from]}
    assert Turn.objects.values("due_us", "received_us").get(sequence=2) == expected
    assert statuses() == ["dropped", "waiting", "waiting"]


def test_a_message_that_does_not_wait_takes_no_time_over(
    make_flow: Callable[..., Flow], make_bot: Callable[..., Bot]
) -> None:
    flow = make_flow(on_lock_conflict="debounce", max_waiting=1)
    flow.send()
    received_us = Turn.objects.get().received_us
    make_bot(on_lock_conflict="queue", max_waiting=1).on_message(lambda thread, message: None)
    flow.pass_time(21)
    flow.send()
    assert Turn.objects.latest("sequence").received_us >= received_us
    assert Turn.objects.latest("sequence").due_us == 0
