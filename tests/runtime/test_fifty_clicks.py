"""Fifty processes use one control that may be used once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.db import connections

from botstate import Bot
from botstate.models import ActionSnapshot, Delivery, Thread
from botstate.runtime.worker import run_thread
from tests.runtime.fifty import WITHIN_S, define_card
from tests.slack.signing import SlackSender

pytestmark = [pytest.mark.long, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("is_whole_message", [False, True])
def test_of_fifty_processes_one_wins(make_bot: Callable[..., Bot], slack: SlackSender, is_whole_message: bool) -> None:
    bot = make_bot()
    card = define_card(bot, is_whole_message)
    bot.on_message(lambda thread, message: thread.post(card()))
    slack.message()
    run_thread(Thread.objects.values_list("pk", flat=True).get())
    first, second = ActionSnapshot.objects.order_by("label").values_list("action_id", flat=True)
    # Of a message of which one control may be used, the controls compete.
    controls = [first, second] if is_whole_message else [first]
    order = {"delivery": Delivery.objects.get().pk, "controls": controls, "is_whole_message": is_whole_message}
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    database = {name: connections["default"].settings_dict[name] for name in names}
    connections.close_all()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.runtime.fifty", json.dumps(order)],
        env=os.environ | {"BOTSTATE_RACE_DATABASE": json.dumps(database, default=str)},
        capture_output=True,
        text=True,
        timeout=4 * WITHIN_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = json.loads(ran.stdout)
    winners = [one for one in said if one != "consumed"]
    assert len(winners) == 1, said
    assert isinstance(winners[0], int)
