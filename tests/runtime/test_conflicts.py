"""What becomes of a message that finds its thread busy or full."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import connection

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.waiting import wait_until
from botstate import Bot
from botstate.exceptions import BotStateMisconfigured
from botstate.models import ThreadLease, ThreadState, Turn
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import Drained, run_thread
from tests.runtime.busy import Doors, Elsewhere, let_quiet_periods_pass, only_thread, press, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """Every ring of the doorbell: the thread, and the delay in seconds."""
    rung: list[tuple[int, float]] = []
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: rung.append((thread_id, delay_s)))
    return rung


@pytest.mark.parametrize(
    "options",
    [
        {"on_lock_conflict": "wait"},
        {"on_full": "drop"},
        {"delivery": "exactly_once"},
        {"on_lock_conflict": None},
        {"max_waiting": 0},
        {"quiet_period": 0},
        {"turn_timeout": -1},
    ],
)
def test_an_option_that_is_none_is_refused(make_bot: Callable[..., Bot], options: dict[str, Any]) -> None:
    with pytest.raises((BotStateMisconfigured, ValueError), match=next(iter(options))):
        make_bot(**options)


@pytest.mark.django_db(transaction=True)
def test_force_ends_the_running_turn_and_starts_at_once(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi
) -> None:
    doors = Doors()
    doors.keep("1")
    bot = make_bot(on_lock_conflict="force", lock_ttl=60)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        doors.pass_through(thread, message)
        thread.post(f"did {message.text}")

    send(slack, "1")
    first = Elsewhere(only_thread())
    assert doors.entered["1"].wait(10)
    send(slack, "2")
    assert statuses() == ["superseded", "waiting"]
    assert run_thread(only_thread()) == Drained.IDLE
    assert doors.log == ["2"], "while the first still runs"

    turn = Turn.objects.earliest("sequence")
    assert "forced" in turn.reason
    doors.open["1"].set()
    assert first.join() == Drained.SUPERSEDED
    assert doors.log == ["2", "1"], "it ran to its end, and changed nothing"
    assert ThreadState.objects.get().value == '{"2":true}'
    assert [call.arguments["text"] for call in slack_api.calls] == ["did 2"]
    assert statuses() == ["superseded", "done"]


@pytest.mark.django_db(transaction=True)
def test_a_forced_out_turn_is_told_within_seconds(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    bot = make_bot(on_lock_conflict="force", lock_ttl=600)
    begun, told = Event(), Event()

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        begun.set()
        wait_until(lambda: thread.turn.superseded, "the news", 10)
        told.set()

    send(slack, "1")
    first = Elsewhere(only_thread())
    assert begun.wait(10)
    send(slack, "2")
    assert told.wait(10)
    assert first.join() == Drained.SUPERSEDED


def test_force_leaves_clicks_alone(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
    clicked = []
    bot = make_bot(on_lock_conflict="force")
    bot.on_message(lambda thread, message: None)
    bot.on_interaction("go")(lambda thread, click: clicked.append(click.id))
    send(slack, "1")
    press(slack)
    send(slack, "2")
    assert statuses() == ["superseded", "waiting", "waiting"]
    run_all()
    assert clicked == ["go"]
    assert statuses() == ["superseded", "done", "done"]


def test_debounce_runs_the_last_one_with_the_others(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, rung: list[tuple[int, float]]
) -> None:
    seen = []
    bot = make_bot(on_lock_conflict="debounce", quiet_period="30s")
    bot.on_message(lambda thread, message: seen.append((message.text, [other.text for other in message.skipped])))
    send(slack, "1", "2", "3")
    assert rung == [(only_thread(), 30.0)] * 3
    assert run_all() == [Drained.IDLE]
    assert seen == []
    assert statuses() == ["waiting"] * 3
    first, second, third = Turn.objects.order_by("sequence").values_list("due_us", flat=True)
    assert first < second < third
    assert rung[-1][1] == pytest.approx(30, abs=5), "for the end of the quiet period"

    Turn.objects.filter(sequence__lt=3).update(due_us=0)
    run_all()
    assert seen == [], "the last message began the period anew"
    let_quiet_periods_pass()
    run_all()
    assert seen == [("3", ["1", "2"])]
    assert statuses() == ["superseded", "superseded", "done"]
    assert list(Turn.objects.order_by("sequence").values_list("merged_into", flat=True)) == [3, 3, None]


def test_debounce_does_not_wait_for_ever(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
    seen = []
    bot = make_bot(on_lock_conflict="debounce", quiet_period="30s")
    bot.on_message(lambda thread, message: seen.append(message.text))
    send(slack, "1", "2")
    long_ago = 30 * 21 * 1_000_000
    first = Turn.objects.earliest("sequence")
    Turn.objects.filter(pk=first.pk).update(received_us=first.received_us - long_ago, due_us=first.due_us - long_ago)
    run_all()
    assert seen == ["2"]


def test_burst_waits_from_the_first_and_runs_all_as_one(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    seen = []
    bot = make_bot(on_lock_conflict="burst", quiet_period="30s")
    bot.on_message(lambda thread, message: seen.append((message.text, [other.text for other in message.skipped])))
    send(slack, "1", "2", "3")
    run_all()
    assert seen == []
    Turn.objects.filter(sequence=1).update(due_us=0)
    run_all()
    assert seen == [("3", ["1", "2"])]
    assert statuses() == ["superseded", "superseded", "done"]


@pytest.mark.parametrize("policy", ["debounce", "burst"])
def test_a_turn_that_stands_for_others_keeps_them_when_it_runs_again(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, policy: str
) -> None:
    seen = []
    bot = make_bot(on_lock_conflict=policy)

    @bot.on_message
    def fails_once(thread: Any, message: Any) -> None:
        seen.append((message.text, [other.text for other in message.skipped]))
        if thread.turn.attempt == 1:
            raise RuntimeError

    send(slack, "1", "2")
    let_quiet_periods_pass()
    run_all()
    send(slack, "3")
    Turn.objects.update(due_us=0)
    run_all()
    assert seen == [("2", ["1"]), ("2", ["1"]), ("3", [])]


def test_a_click_between_messages_keeps_its_place(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    seen: list[Any] = []
    bot = make_bot(on_lock_conflict="burst")
    bot.on_message(lambda thread, message: seen.append((message.text, len(message.skipped))))
    bot.on_interaction("go")(lambda thread, click: seen.append(click.id))
    send(slack, "1", "2")
    press(slack)
    send(slack, "3")
    let_quiet_periods_pass()
    run_all()
    assert seen == [("2", 1), "go", ("3", 0)]


@pytest.mark.django_db(transaction=True)
def test_a_callable_is_asked_only_where_the_thread_is_busy_and_outside_of_any_transaction(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    asked, ran = [], []

    def choose(thread: Any, message: Any) -> Any:
        asked.append((thread.key, thread.state(), message.text, connection.in_atomic_block))
        return "drop" if message.text == "2" else "queue"

    bot = make_bot(on_lock_conflict=choose)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        ran.append(message.text)
        thread.set_state(last=message.text)

    send(slack, "0")
    run_all()
    send(slack, "1", "2", "3")
    assert asked == [("C111:1.0", {"last": "0"}, "2", False), ("C111:1.0", {"last": "0"}, "3", False)]
    assert statuses() == ["done", "waiting", "dropped", "waiting"]
    run_all()
    assert ran == ["0", "1", "3"]


@pytest.mark.parametrize("answer", ["nonsense", None, RuntimeError])
def test_a_callable_that_fails_loses_nothing(make_bot: Callable[..., Bot], slack: SlackSender, answer: Any) -> None:
    def choose(thread: Any, message: Any) -> Any:
        if isinstance(answer, type):
            raise answer
        return answer

    make_bot(on_lock_conflict=choose).on_message(lambda thread, message: None)
    send(slack, "1", "2")
    assert statuses() == ["waiting", "waiting"]


@pytest.mark.parametrize(
    ("on_full", "expected"),
    [
        ("drop-oldest", ["dropped", "dropped", "waiting", "waiting"]),
        ("drop-newest", ["waiting", "waiting", "dropped", "dropped"]),
    ],
)
def test_no_more_than_max_waiting_messages_wait(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, on_full: Any, expected: list[str]
) -> None:
    ran = []
    bot = make_bot(on_lock_conflict="queue", max_waiting=2, on_full=on_full)
    bot.on_message(lambda thread, message: ran.append(message.text))
    bot.on_interaction("go")(lambda thread, click: ran.append("click"))
    send(slack, "1", "2", "3", "4")
    assert statuses() == expected
    assert "max_waiting" in Turn.objects.filter(status="dropped").latest("sequence").reason
    press(slack)
    assert statuses() == [*expected, "waiting"], "a click always queues"
    run_all()
    assert ran == [str(number + 1) for number, status in enumerate(expected) if status == "waiting"] + ["click"]


def test_a_thread_with_a_long_history_and_nothing_waiting_is_not_full(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    make_bot(on_lock_conflict="queue", max_waiting=2).on_message(lambda thread, message: None)
    for text in "1234567":
        send(slack, text)
        run_all()
    send(slack, "8", "9")
    assert statuses() == ["done"] * 7 + ["waiting", "waiting"]


def test_a_lease_that_a_dead_worker_left_is_no_conflict(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    make_bot(on_lock_conflict="drop").on_message(lambda thread, message: None)
    send(slack, "1")
    Turn.objects.update(status="running")
    ThreadLease.objects.create(thread_id=only_thread(), token="dead", fence=1, expires_us=1)
    send(slack, "2")
    assert statuses() == ["running", "waiting"]
