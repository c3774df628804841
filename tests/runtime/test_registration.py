"""What a bot takes as a handler, what it refuses, and how it calls the one for what has expired."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.exceptions import BotStateMisconfigured
from botstate.models import Delivery, PendingChoice, Turn
from botstate.ui import Actions, Button, Section
from tests.runtime.desk import RunAll, told
from tests.slack.signing import SlackSender

MakeBot = Callable[..., Bot]


def generates(thread: Any, message: Any) -> Any:
    thread.post("never")
    yield


async def generates_async(thread: Any, message: Any) -> Any:
    thread.post("never")
    yield


class Generates:
    def __call__(self, thread: Any, message: Any) -> Any:
        thread.post("never")
        yield


DECORATORS: dict[str, Callable[[Bot], Callable[[Any], Any]]] = {
    "mention": lambda bot: bot.on_mention,
    "message": lambda bot: bot.on_message,
    "interaction": lambda bot: bot.on_interaction("x"),
    "command": lambda bot: bot.on_command("/x"),
    "modal_submit": lambda bot: bot.on_modal_submit("x"),
    "modal_close": lambda bot: bot.on_modal_close("x"),
    "reaction": lambda bot: bot.on_reaction("eyes"),
    "expired": lambda bot: bot.on_action_expired,
    "choice": lambda bot: bot.on_choice,
}


@pytest.mark.once
@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize(
    "handler",
    [generates, generates_async, functools.partial(generates), Generates()],
    ids=["def", "async def", "partial", "object"],
)
def test_a_handler_with_a_yield_is_refused_by_its_name(make_bot: MakeBot, decorator: str, handler: Any) -> None:
    with pytest.raises(BotStateMisconfigured, match=r"[Gg]enerates.* yield"):
        DECORATORS[decorator](make_bot())(handler)


@pytest.mark.once
@pytest.mark.parametrize("decorator", DECORATORS)
def test_a_coroutine_and_a_partial_are_taken(make_bot: MakeBot, decorator: str) -> None:
    async def handle(thread: Any, message: Any) -> None: ...

    for handler in (handle, functools.partial(print, "x")):
        assert DECORATORS[decorator](make_bot())(handler) is handler


@pytest.mark.once
def test_a_component_may_yield_its_nodes(make_bot: MakeBot) -> None:
    def card() -> Any:
        yield Section("a")

    assert make_bot().component(card).render({})


@pytest.mark.once
def test_aliases_are_a_list(make_bot: MakeBot) -> None:
    bot = make_bot()
    with pytest.raises(BotStateMisconfigured, match="a list of names, not the text 'Old'"):
        bot.component(aliases="Old")
    assert bot.components == {}
    bot.component(aliases=["Old"], name="New")(lambda: "x")
    assert list(bot.components) == ["New", "Old"]


@pytest.mark.django_db
@pytest.mark.parametrize("takes", ["click", "thread and click", "anything"])
def test_the_handler_for_what_has_expired_gets_the_click_and_the_thread(
    make_bot: MakeBot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll, takes: str
) -> None:
    bot = make_bot()
    handlers: dict[str, Callable[..., Any]] = {
        "click": lambda ctx: ctx.thread.post(f"{ctx.id} of {ctx.user} is over"),
        "thread and click": lambda thread, click: thread.post(f"{click.id} of {click.user} is over"),
        "anything": lambda *given: given[0].post(f"{given[1].id} of {given[1].user} is over"),
    }
    bot.on_action_expired(handlers[takes])
    slack.click("1.1", "ck:0")
    run_all()
    assert Turn.objects.get().status == "done"
    assert [call.arguments["text"] for call in slack_api.done("chat.postMessage")] == ["ck:0 of W111 is over"]
    assert told(slack_api) == []


@pytest.mark.django_db
def test_every_click_has_its_thread(make_bot: MakeBot, slack: SlackSender, run_all: RunAll) -> None:
    seen = []
    bot = make_bot()
    bot.on_interaction("foreign")(lambda thread, click: seen.append(click.thread is thread))
    slack.click("1.1", "foreign")
    run_all()
    assert seen == [True]


@pytest.mark.django_db
def test_a_question_without_a_continuation_says_how_to_write_one(
    make_bot: MakeBot, slack: SlackSender, run_all: RunAll
) -> None:
    bot = make_bot()
    refused = []

    @bot.on_message
    def ask(thread: Any, message: Any) -> None:
        with pytest.raises(TypeError, match=r"then=.*@bot\.on_choice") as error:
            thread.await_choice(Actions(Button("Yes", key="yes")), timeout=60)
        refused.append(error.value)

    slack.message()
    run_all()
    assert len(refused) == 1
    assert not PendingChoice.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_method_continues_a_conversation(make_bot: MakeBot, slack: SlackSender, run_all: RunAll) -> None:
    class Desk:
        def __init__(self) -> None:
            self.decided: list[Any] = []

        def ask(self, thread: Any, message: Any) -> None:
            thread.await_choice(Actions(Button("Yes", key="yes", value=1)), then=self.decide)

        def decide(self, thread: Any, choice: Any) -> None:
            self.decided.append(choice.value)

    bot, desk = make_bot(), Desk()
    bot.on_mention(desk.ask)
    bot.on_choice(desk.decide)
    slack.mention(ts="1.0")
    run_all()
    slack.click(Delivery.objects.get().ref, "yes")
    run_all()
    assert desk.decided == [1]
