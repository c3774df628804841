"""Sweeping the runtime's own tables."""

from collections.abc import Callable

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, store
from botstate.models import ActionSnapshot, Delivery, KvEntry, Receipt, Turn
from botstate.runtime.sweep import sweep_all
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


@pytest.fixture
def posted(make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> None:
    bot = make_bot()
    card = bot.component(lambda: Actions(Button("x", on_click=print)), name="Card")
    bot.on_message(lambda thread, message: thread.post(card()))
    slack.message()
    run_all()


def test_what_lives_is_left_alone(posted: None) -> None:
    assert not any(sweep_all().values())
    assert (Receipt.objects.count(), Turn.objects.count(), ActionSnapshot.objects.count()) == (1, 1, 1)


def test_expired_receipts_go_and_their_turns_stay(posted: None) -> None:
    Receipt.objects.update(expires_us=1)
    assert sweep_all()["receipts"] == 1
    assert Turn.objects.get().receipt is None


def test_expired_controls_go_and_then_their_old_messages(posted: None) -> None:
    Turn.objects.update(finished_us=1)
    assert sweep_all()["deliveries"] == 0
    ActionSnapshot.objects.update(expires_us=1)
    swept = sweep_all()
    assert (swept["actions"], swept["deliveries"]) == (1, 1)


def test_old_ended_turns_go_and_open_ones_never(posted: None) -> None:
    Turn.objects.update(finished_us=1)
    open_turn = Turn.objects.get()
    open_turn.pk, open_turn.sequence, open_turn.receipt = None, 2, None
    open_turn.status, open_turn.finished_us = "waiting", None
    open_turn.save()
    assert sweep_all()["turns"] == 1
    assert Turn.objects.get().sequence == 2
    assert Delivery.objects.get().turn is None


def test_the_stores_are_swept_too_and_the_limit_holds() -> None:
    for number in range(5):
        store.kv.set(str(number), number, ttl=60)
    KvEntry.objects.update(expires_us=1)
    assert sweep_all(limit=3)["kv"] == 3
    assert sweep_all()["kv"] == 2
