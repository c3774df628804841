"""A bot with a card, for tests of clicks and deploys."""

from collections.abc import Callable
from typing import Any

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot, bind
from botstate.models import ActionSnapshot, Delivery
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Message, Section
from tests.slack.signing import SlackSender

RunAll = Callable[[], list[Drained]]
Restart = Callable[[], None]


class Desk:
    """A bot with a card, what its handlers saw, and a way to click."""

    def __init__(self, make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
        self.seen: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.make_bot = make_bot
        self.clicks = 0
        self.deploy()

    def deploy(self, layout: Callable[..., Any] | None = None, name: str = "Card") -> None:
        """Replace the bot, as a new release does."""
        bot = self.make_bot()
        self.card = bot.component(layout or self.layout, name=name)
        bot.on_message(lambda thread, message: thread.post(self.card(ticket=7)))
        bot.on_interaction("raw")(lambda thread, click: self.seen.append(("raw", click.value)))

    def layout(self, ticket: int) -> Any:
        return Message(
            Section(f"Ticket {ticket}"),
            Actions(
                Button("Approve", on_click=self.approve, value={"ticket": ticket}),
                Button("Once", on_click=self.approve, key="once", once=True),
                Button("Assign", on_click=bind(self.assign, {"to": f"team {ticket}"}), key="assign"),
                Button("Raw", key="raw", value="v"),
            ),
        )

    def approve(self, thread: Any, click: Any) -> None:
        self.seen.append(("approve", click.value, click.user))

    def other(self, thread: Any, click: Any) -> None:
        self.seen.append(("other", click.value))

    def assign(self, thread: Any, click: Any, to: str) -> None:
        self.seen.append(("assign", to, click.args))

    def post(self) -> None:
        self.slack.message(ts="1.0")
        self.run_all()

    def action_id(self, label: str) -> str:
        return ActionSnapshot.objects.get(label=label).action_id

    def click(self, action_id: str, **changes: Any) -> None:
        self.clicks += 1
        changes = {"trigger_id": f"click {self.clicks}", **changes}
        if "ref" not in changes:
            changes["ref"] = Delivery.objects.filter(kind="post").earliest("id").ref
        self.slack.click(changes.pop("ref"), action_id, **changes)
        self.run_all()


def told(api: SlackWebApi) -> list[tuple[str, str]]:
    return [(call.arguments["user"], call.arguments["text"]) for call in api.done("chat.postEphemeral")]
