"""A memory of participation that fails, and names that are long: the bot answers all the same, and once."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botstate import Bot
from botstate.caches.slack import participation
from botstate.models import Delivery, Turn
from tests.runtime.desk import RunAll
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_in_memory() -> Iterator[None]:
    participation.forget()
    yield
    participation.forget()


def answers(bot: Bot) -> list[str]:
    """Let the bot answer every message; return what it hears."""
    heard: list[str] = []

    @bot.on_message
    def hear(thread: Any, message: Any) -> None:
        heard.append(message.text)
        thread.post("Yes.")

    return heard


def talk(slack: SlackSender, run_all: RunAll) -> None:
    """Mention the bot, and go on in its thread without."""
    assert slack.mention(ts="1.0", text="<@W111> ready?").status_code == 200
    run_all()
    assert slack.message(ts="2.0", thread_ts="1.0", text="And now").status_code == 200
    run_all()


class Broken:
    """A cache with a mistake in it."""

    def lookup(self, key: str) -> Any:
        raise KeyError("secret")

    def register(self, key: str, value: Any) -> None:
        raise ValueError("secret")


def test_what_is_raised_is_logged_and_nothing_else(
    make_bot: Callable[..., Bot],
    slack: SlackSender,
    run_all: RunAll,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = answers(make_bot(require_mention=True, on_lock_conflict="queue"))
    with caplog.at_level(logging.WARNING), monkeypatch.context() as patch:
        patch.setattr(participation, "cache", Broken())
        talk(slack, run_all)
    assert heard == ["<@W111> ready?", "And now"], "what was sent says that the bot takes part"
    assert [delivery.status for delivery in Delivery.objects.all()] == [Delivery.Status.SENT] * 2
    assert {turn.status for turn in Turn.objects.all()} == {Turn.Status.DONE}
    messages = {record.getMessage() for record in caplog.records}
    assert len(messages) == 2
    assert any("KeyError" in message for message in messages) and any("ValueError" in message for message in messages)
    assert not any("secret" in message for message in messages)
    assert not any(record.exc_info for record in caplog.records), "it could quote anything"


def test_a_bot_of_a_long_name_in_another_script_is_remembered(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, settings: Any
) -> None:
    name = "😀" * 100
    settings.BOTSTATE = {**settings.BOTSTATE, "SLACK": {**settings.BOTSTATE["SLACK"], "BOT": name}}
    heard = answers(make_bot(name, require_mention=True, on_lock_conflict="queue"))
    talk(slack, run_all)
    assert heard == ["<@W111> ready?", "And now"]
    assert participation.cache.status().entries == 1
