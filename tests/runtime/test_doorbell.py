"""The doorbell: gathered, bounded, never in anybody's way."""

import sys
import threading
import time
from typing import Any

import pytest

from botproject.demo.waiting import wait_until
from botstate.runtime import doorbell as module
from botstate.runtime.doorbell import Doorbell

pytestmark = pytest.mark.once


class Broker:
    """Takes what is published; can be told to refuse or to hang."""

    def __init__(self) -> None:
        self.published: list[list[int]] = []
        self.refuses = 0
        self.hanging = threading.Event()
        self.hung = 0

    def publish(self, thread_ids: list[int], delay_s: float) -> None:
        if self.refuses:
            self.refuses -= 1
            raise ConnectionRefusedError
        if not self.hanging.is_set():
            self.hung += 1
            self.hanging.wait(30)
        self.published.append(thread_ids)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Any:
    broker = Broker()
    broker.hanging.set()
    monkeypatch.setattr(module, "publish", broker.publish)
    yield broker
    broker.hanging.set()


def rung(broker: Broker) -> list[int]:
    return sorted(thread_id for published in broker.published for thread_id in published)


def test_rings_that_come_together_are_one_task(broker: Broker) -> None:
    doorbell = Doorbell()
    for _ in range(3):
        for thread_id in range(50):
            doorbell.ring(thread_id)
    wait_until(lambda: set(rung(broker)) == set(range(50)), "every ring", 5)
    # A ring that is late falls into the next 20 ms.
    assert len(broker.published) < 50


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_publisher_that_died_is_followed_by_another(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    doorbell = Doorbell()
    with monkeypatch.context() as patch:
        patch.setattr(module, "publish", lambda *arguments: sys.exit())
        doorbell.ring(1)
        publisher = doorbell._publisher
        assert publisher is not None
        publisher.join(10)
        assert not publisher.is_alive()
    doorbell.ring(2)
    wait_until(lambda: rung(broker) == [2], "the second ring", 5)


def test_a_broker_that_refuses_does_not_silence_the_bell(broker: Broker) -> None:
    broker.refuses = 1
    doorbell = Doorbell()
    doorbell.ring(1)
    wait_until(lambda: broker.refuses == 0, "the refusal", 5)
    doorbell.ring(2)
    wait_until(lambda: rung(broker) == [2], "the next ring", 5)


def test_a_broker_that_hangs_delays_no_ring_and_is_left_behind(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STUCK_AFTER_S", 0.05)
    broker.hanging.clear()
    doorbell = Doorbell()
    begun = time.monotonic()
    doorbell.ring(0)
    wait_until(lambda: broker.hung == 1, "the hang", 5)
    for number in range(1, module.MAX_STUCK + 1):

        def ring_again(number: int = number) -> bool:
            doorbell.ring(number)
            return broker.hung == number + 1

        wait_until(ring_again, "another publisher", 5)
    for thread_id in range(1_000):
        doorbell.ring(thread_id)
    assert time.monotonic() - begun < 5
    assert broker.hung == module.MAX_STUCK + 1
    broker.hanging.set()
    wait_until(lambda: set(rung(broker)) >= set(range(1_000)), "everything, once the broker is back", 5)


def test_what_waits_is_bounded(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    broker.hanging.clear()
    doorbell = Doorbell()
    doorbell.ring(-1)
    wait_until(lambda: broker.hung == 1, "the hang", 5)
    for thread_id in range(1_000):
        doorbell.ring(thread_id)
    broker.hanging.set()
    wait_until(lambda: len(rung(broker)) > 1, "the rest", 5)
    assert rung(broker) == [-1, *range(10)]
