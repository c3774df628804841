"""`manage.py botstate_doctor`."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from botstate import Bot
from botstate.models import ActionSnapshot, Delivery, Thread, Turn
from botstate.stores.orm import examination
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db


def diagnose() -> tuple[int, str]:
    """Return the exit code and what was printed."""
    out = StringIO()
    try:
        call_command("botstate_doctor", stdout=out, no_color=True)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def test_all_is_well(make_bot: Callable[..., Bot]) -> None:
    make_bot()
    assert diagnose() == (0, "✓ store 'default'\n✓ runtime\n")


def test_a_missing_migration() -> None:
    MigrationRecorder(connection).migration_qs.filter(app="botstate").delete()
    code, said = diagnose()
    assert code == 1
    assert "0001_initial" in said
    assert "migrate" in said


def test_a_host_whose_clock_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination.time, "time", lambda: 0.0)
    code, said = diagnose()
    assert code == 1
    assert "clock" in said


def test_what_needs_an_operator(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    bot = make_bot()
    bot.on_message(lambda thread, message: None)
    slack.message()
    thread, turn = Thread.objects.get(), Turn.objects.get()
    Thread.objects.update(ring_us=1, bot="gone")
    Turn.objects.update(status="dead", finished_us=turn.received_us)
    delivery = Delivery.objects.create(
        thread=thread, turn=turn, position=0, kind="post", payload="{}", status="failed", created_us=turn.received_us
    )
    ActionSnapshot.objects.create(
        thread=thread,
        delivery=delivery,
        action_id="ck:0",
        component="Lost",
        props="{}",
        path="[]",
        value="null",
        control="{}",
        created_us=1,
        expires_us=turn.received_us + 10**12,
    )
    code, said = diagnose()
    assert code == 1
    for expected in (
        "1 threads have been due",
        "1 turns died",
        "1 messages could not be sent",
        "1 threads wait for bot 'gone'",
        "component 'Lost'",
    ):
        assert expected in said, said


def test_a_beat_without_redeliver_is_warned_of(settings: Any) -> None:
    from celery import current_app

    scheduled = current_app.conf.beat_schedule
    assert not any(found.id == "botstate.W002" for found in run_checks())
    current_app.conf.beat_schedule = {}
    try:
        assert any(found.id == "botstate.W002" for found in run_checks())
    finally:
        current_app.conf.beat_schedule = scheduled
