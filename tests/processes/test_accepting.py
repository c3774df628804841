"""Accepting events from many processes, with brokers and databases in every condition."""

import socket
import statistics
import threading
from collections.abc import Iterator

import pytest
from django.db import transaction

from botstate.models import Receipt, Thread, Turn
from tests.processes.conftest import Stage

pytestmark = [pytest.mark.long, pytest.mark.processes]


@pytest.fixture
def hanging_port() -> Iterator[int]:
    """That of a server which accepts every connection and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1_000)
        yield server.getsockname()[1]


def test_the_same_event_ten_times_at_once_in_ten_processes_makes_one_turn(stage: Stage) -> None:
    slack = stage.start_site(workers=10)
    for _ in range(5):
        event = stage.message("again")
        together = threading.Barrier(10)
        statuses: list[int] = []

        def send(event: dict[str, object] = event, together: threading.Barrier = together) -> None:
            together.wait(30)
            statuses.append(slack.send_event(event).status)  # noqa: B023

        senders = [threading.Thread(target=send) for _ in range(10)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(30)
        assert statuses == [200] * 10
    assert (Receipt.objects.count(), Turn.objects.count(), Thread.objects.count()) == (5, 5, 5)


def test_first_events_of_one_thread_from_many_processes_are_all_kept_and_numbered(stage: Stage) -> None:
    slack = stage.start_site(workers=10)
    root = stage.message("root")["event"]["ts"]
    events = [stage.message(str(number), thread_ts=root) for number in range(40)]
    statuses: list[int] = []

    def send(part: int) -> None:
        statuses.extend(slack.send_event(event).status for event in events[part::10])

    senders = [threading.Thread(target=send, args=[part]) for part in range(10)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert statuses == [200] * 40
    assert Thread.objects.count() == 1
    assert list(Turn.objects.order_by("sequence").values_list("sequence", flat=True)) == list(range(1, 41))


@pytest.mark.parametrize("broker", ["refusing", "hanging"])
def test_a_broken_broker_delays_no_answer_and_loses_nothing(stage: Stage, hanging_port: int, broker: str) -> None:
    url = f"redis://127.0.0.1:{hanging_port if broker == 'hanging' else 1}/0"
    healthy, broken = stage.start_site(), stage.start_site(CELERY_BROKER_URL=url)
    times: dict[str, list[float]] = {"healthy": [], "broken": []}
    for number in range(60):
        for name, slack in (("healthy", healthy), ("broken", broken)):
            answer = slack.send_event(stage.message(f"{name} {number}"))
            assert answer.status == 200
            times[name].append(answer.ms)
    assert Turn.objects.count() == 120
    delay_ms = statistics.median(times["broken"]) - statistics.median(times["healthy"])
    assert delay_ms < 50, times
    assert max(times["broken"]) < 1_000, times


@pytest.mark.parametrize("server", ["refusing", "hanging"])
def test_a_database_that_does_not_answer_is_a_503_in_time(stage: Stage, hanging_port: int, server: str) -> None:
    port = hanging_port if server == "hanging" else 1
    slack = stage.start_site(DATABASE_URL=f"postgresql://nobody@127.0.0.1:{port}/none")
    answer = slack.send_event(stage.message("nowhere"))
    assert answer.status == 503
    assert answer.ms < 3_000


def test_a_row_or_database_that_is_held_is_a_503_in_time_and_the_event_may_come_again(stage: Stage) -> None:
    slack = stage.start_site()
    first = stage.message("first")
    assert slack.send_event(first).status == 200
    second = stage.message("second", thread_ts=first["event"]["ts"])
    with transaction.atomic():
        Thread.objects.select_for_update().get()
        answer = slack.send_event(second)
        assert (answer.status, answer.ms < 3_000) == (503, True), answer
    assert slack.send_event(second, retry=1).status == 200
    assert Turn.objects.count() == 2
