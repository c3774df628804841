"""Bots that must be mentioned, and the threads in which they need not be, because they take part."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botstate import Bot
from botstate.caches.slack import participation
from botstate.exceptions import StoreUnavailable
from botstate.models import Delivery, Receipt, Turn
from botstate.stores import OrmStore
from tests.runtime.desk import RunAll
from tests.settings import BOTSTATE
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db(transaction=True)

#: Whether the store that `nowhere` makes is.
is_down = Event()


@pytest.fixture(autouse=True)
def nothing_in_memory() -> Any:
    participation.forget()
    yield
    participation.forget()


@pytest.fixture
def heard(make_bot: Callable[..., Bot]) -> list[str]:
    """What a bot that must be mentioned has heard; it answers what ends with a question mark."""
    bot = make_bot(require_mention=True, on_lock_conflict="queue")
    seen: list[str] = []

    @bot.on_message
    def hear(thread: Any, message: Any) -> None:
        seen.append(message.text)
        if message.text.endswith("?"):
            thread.post("Yes.")

    return seen


def test_what_is_said_in_a_thread_of_others_is_not_heard(heard: list[str], slack: SlackSender, run_all: RunAll) -> None:
    assert slack.message(ts="1.0", text="Lunch?").status_code == 200
    assert slack.message(ts="2.0", thread_ts="1.0", text="Yes!").status_code == 200
    run_all()
    assert heard == []
    assert not Turn.objects.exists()
    reasons = set(Receipt.objects.values_list("ignored", flat=True))
    assert reasons == {"it neither mentions the bot nor is said where the bot takes part"}


def test_what_is_said_where_the_bot_has_spoken_needs_no_mention(
    heard: list[str], slack: SlackSender, run_all: RunAll
) -> None:
    slack.mention(ts="1.0", text="<@W111> ready?")
    run_all()
    slack.message(ts="2.0", thread_ts="1.0", text="And now")
    slack.message(ts="3.0", thread_ts="0.5", text="elsewhere")
    slack.message(ts="4.0", text="beside it")
    run_all()
    assert heard == ["<@W111> ready?", "And now"]


def test_a_mention_that_the_bot_did_not_answer_begins_nothing(
    heard: list[str], slack: SlackSender, run_all: RunAll
) -> None:
    slack.mention(ts="1.0", text="<@W111> note this")
    run_all()
    slack.message(ts="2.0", thread_ts="1.0", text="And this")
    run_all()
    assert heard == ["<@W111> note this"]


def test_a_restarted_process_knows_where_the_bot_has_spoken(
    heard: list[str], slack: SlackSender, run_all: RunAll
) -> None:
    slack.mention(ts="1.0", text="<@W111> ready?")
    run_all()
    participation.forget()
    slack.message(ts="2.0", thread_ts="1.0", text="And now")
    run_all()
    assert heard[1:] == ["And now"]
    with CaptureQueriesContext(connection) as asked:
        slack.message(ts="3.0", thread_ts="1.0", text="And then")
    assert not [query for query in asked if "botstate_delivery" in query["sql"].lower()], "it is in memory by now"


def test_replies_to_what_the_bot_has_said_first_need_no_mention(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot(require_mention=True, on_lock_conflict="queue")
    heard: list[str] = []
    bot.on_message(lambda thread, message: heard.append(message.text))
    bot.on_command("/announce")(lambda thread, command: thread.post("News!"))
    form = urlencode({**payload("command_slash"), "command": "/announce"})
    slack.post("/slack/commands", form.encode(), "application/x-www-form-urlencoded")
    run_all()
    ref = Delivery.objects.get().ref
    for forgotten in (False, True):
        if forgotten:
            participation.forget()
        slack.message(ts=f"999999999{forgotten:d}.0", thread_ts=ref, text=f"Really {forgotten}")
    run_all()
    assert heard == ["Really False", "Really True"]


def test_a_direct_message_needs_no_mention(heard: list[str], slack: SlackSender, run_all: RunAll) -> None:
    slack.message(ts="1.0", channel="D111", channel_type="im", text="Just us")
    run_all()
    assert heard == ["Just us"]


def test_other_workspaces_know_nothing_of_it(heard: list[str], slack: SlackSender, run_all: RunAll) -> None:
    slack.mention(ts="1.0", text="<@W111> ready?")
    run_all()
    elsewhere = payload("event_message_channel")
    elsewhere["event"] |= {"ts": "2.0", "event_ts": "2.0", "thread_ts": "1.0", "text": "Hello"}
    elsewhere |= {"team_id": "T999", "authorizations": [{"team_id": "T999", "user_id": "W111", "is_bot": True}]}
    slack.event(elsewhere)
    run_all()
    assert heard == ["<@W111> ready?"]


def test_a_bot_that_need_not_be_mentioned_hears_everything(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll
) -> None:
    heard: list[str] = []
    make_bot().on_message(lambda thread, message: heard.append(message.text))
    slack.message(ts="1.0", text="Lunch?")
    run_all()
    assert heard == ["Lunch?"]


def test_a_cache_whose_store_is_away_loses_no_message(
    heard: list[str], slack: SlackSender, run_all: RunAll, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = {"BACKEND": "tests.runtime.test_participation.nowhere"}
    settings.BOTSTATE = {
        **settings.BOTSTATE,
        "STORES": {**BOTSTATE.get("STORES", {"default": {"BACKEND": "botstate.stores.OrmStore"}}), "nowhere": nowhere},
        "CACHES": {"slack": {"PERSISTENT": True, "STORE": "nowhere"}},
    }
    is_down.set()
    with caplog.at_level(logging.WARNING, "botstate.caches"):
        slack.mention(ts="1.0", text="<@W111> ready?")
        run_all()
        participation.forget()
        slack.message(ts="2.0", thread_ts="1.0", text="And now")
        run_all()
    assert heard == ["<@W111> ready?", "And now"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    is_down.clear()
    assert participation.cache.close(), "it tries once more, and ends"
    assert participation.cache.status().waiting == 0, "what it had yet to write is written"


def nowhere() -> Any:
    """A store that may be down."""
    store = OrmStore()
    for name in ("register", "find", "consume"):
        setattr(store.keyed, name, unless_down(getattr(store.keyed, name)))
    return store


def unless_down(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        if is_down.is_set():
            raise StoreUnavailable("it is down")
        return method(*args)

    return call


@pytest.mark.parametrize("is_known", [False, True])
def test_a_message_that_was_ignored_does_not_hide_the_mention_that_it_is(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, is_known: bool
) -> None:
    """Slack sends a mention twice, and may not say which user the bot is."""
    bot = make_bot()
    heard: list[str] = []
    bot.on_mention(lambda thread, message: heard.append(message.text))
    twin = payload("event_message_channel")
    twin["event"] |= {"ts": "1.0", "event_ts": "1.0", "text": "<@W111> ready?", "user": "W222"}
    twin.pop("authorizations", None)
    if is_known:
        twin["authorizations"] = [{"team_id": "T111", "user_id": "W111", "is_bot": True}]
    assert slack.event(twin).status_code == 200
    slack.mention(ts="1.0", text="<@W111> ready?")
    slack.event(twin)
    run_all()
    assert heard == ["<@W111> ready?"]
