"""Sweeping the runtime's own tables."""

from collections.abc import Callable
from threading import Event
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import F

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, store
from botstate.actions.snapshots import drop_oldest
from botstate.models import ActionSnapshot, Delivery, KvEntry, Receipt, Turn
from botstate.runtime.sweep import sweep_all
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button
from tests.slack.signing import SlackSender
from tests.stores.waiting import other_threads

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]
MODELS = (Receipt, Turn, Delivery, ActionSnapshot)


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("mysql")
def test_what_others_hold_is_not_waited_for(posted: None) -> None:
    """In small tables, of which most goes: reading them all would be the cheapest way to find those rows."""
    # `drop_oldest` keeps the newest.
    ActionSnapshot.objects.update(id=F("id") + 1_000)
    held = [model._default_manager.filter(pk=model._default_manager.get().pk) for model in MODELS]
    make_many_old_ones()
    locked, swept = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            for rows in held:
                assert len(rows.select_for_update()) == 1
            locked.set()
            assert swept.wait(20)

    with other_threads() as call:
        holder = call(hold)
        try:
            assert locked.wait(20)
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
            thread = ActionSnapshot.objects.earliest("id").thread_id
            assert drop_oldest("default", thread, 31) == 30
            counts = sweep_all()
        finally:
            swept.set()
            connection.close()
        holder.result(20)
    assert counts == counts | {"receipts": 60, "turns": 60, "deliveries": 60, "actions": 30}
    assert [len(rows) for rows in held] == [1] * 4


def make_many_old_ones() -> None:
    """Copy what was posted 60 times, as what is long over."""
    receipt, turn, delivery, control = (model._default_manager.get() for model in MODELS)
    receipt.expires_us = turn.finished_us = control.expires_us = 1
    turn.receipt = delivery.turn = delivery.message_digest = None
    for number in range(60):
        receipt.digest = UUID(int=number)
        turn.pk, turn.sequence = None, 2 + number
        delivery.pk = None
        control.pk, control.action_id = number + 1, f"old {number}"
        for row in (receipt, turn, delivery, control):
            row.save(force_insert=True)
