"""Bound arguments of a posted message, and releases whose handlers take others."""

from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Turn
from botstate.runtime.interactions import EXPIRED_TEXT
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button
from tests.runtime.desk import told
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]


def deploy(make_bot: Callable[..., Bot], handler: Any, *, once: bool = False) -> None:
    bot = make_bot(on_lock_conflict="queue")
    card = bot.component(lambda: Actions(Button("Assign", on_click=handler, key="assign", once=once)), name="Card")
    bot.on_message(lambda thread, message: thread.post(card()))


def test_a_renamed_keyword_expires_what_was_posted_with_the_old_one(
    make_bot: Callable[..., Bot],
    slack: SlackSender,
    slack_api: SlackWebApi,
    run_all: RunAll,
    restart: Callable[[], None],
) -> None:
    seen = []

    def assign(thread: Any, click: Any, to: str) -> None:
        seen.append(to)

    def assign_team(thread: Any, click: Any, team: str) -> None:
        seen.append(team)

    deploy(make_bot, bind(assign, {"to": "Ann"}), once=True)
    slack.message(ts="1.0")
    run_all()
    ref, control = slack_api.calls[0].ts, ActionSnapshot.objects.get()
    restart()
    deploy(make_bot, bind(assign_team, {"team": "Red"}), once=True)
    slack.click(ref, control.action_id)
    run_all()
    assert (seen, told(slack_api)) == ([], [("W111", EXPIRED_TEXT)])
    assert Turn.objects.latest("pk").status == "done"
    deploy(make_bot, bind(assign, {"to": "Bo"}), once=True)
    slack.click(ref, control.action_id, trigger_id="again")
    run_all()
    assert seen == ["Ann"], "nothing was used up"


@pytest.mark.parametrize("restarted", [False, True])
def test_an_optional_third_argument_gets_what_was_bound(
    make_bot: Callable[..., Bot],
    slack: SlackSender,
    run_all: RunAll,
    restart: Callable[[], None],
    *,
    restarted: bool,
) -> None:
    seen = []

    def assign(thread: Any, click: Any, to: Any = None) -> None:
        seen.append((to, click.args))

    deploy(make_bot, bind(assign, "Ann"))
    slack.message(ts="1.0")
    run_all()
    if restarted:
        restart()
    control = ActionSnapshot.objects.get()
    slack.click(control.delivery.ref, control.action_id)
    run_all()
    assert seen == [("Ann", "Ann")]
