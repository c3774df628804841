"""Controls that stand in a modal, and in a home tab: their clicks run what was shown, or somebody is told."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from botproject.demo.slack_api import SlackWebApi
from botstate import Bot
from botstate.models import ActionSnapshot, Receipt, Thread
from botstate.runtime.interactions import CONSUMED_TEXT, EXPIRED_TEXT
from botstate.runtime.worker import Drained
from botstate.ui import Actions, Button, Input, Modal, Section, Select, TextInput
from tests.runtime.desk import told
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db


class Form:
    """A bot that opens a modal with controls in it, from a command in C111."""

    def __init__(
        self,
        make_bot: Callable[..., Bot],
        slack: SlackSender,
        slack_api: SlackWebApi,
        run_all: Callable[[], list[Drained]],
    ) -> None:
        self.seen: list[Any] = []
        self.slack = slack
        self.run_all = run_all
        self.make_bot = make_bot
        self.clicks = 0
        self.deploy()
        form = {**payload("command_slash"), "command": "/form", "channel_id": "C111"}
        slack.post("/slack/commands", urlencode(form).encode(), "application/x-www-form-urlencoded")
        run_all()
        self.view = slack_api.done("views.open")[0].answer["view"]

    def deploy(self) -> None:
        bot = self.make_bot(on_lock_conflict="queue")
        card = bot.component(self.modal, name="Form")
        bot.on_command("/form")(lambda thread, command: thread.open_modal(card(ticket=7), trigger=command))
        bot.on_interaction("own")(lambda thread, click: self.seen.append(("own", click.value, thread.key)))

    def modal(self, ticket: int) -> Any:
        return Modal(
            Section("More?"),
            Actions(
                Button("More", on_click=self.more, value={"ticket": ticket}, once=True),
                Button("Own", key="own", value="v"),
                Button("Nobody's", key="nobody"),
            ),
            Select([("Ann", {"id": 1}), ("Bo", {"id": ticket})], key="who"),
            Select([("Red", {"id": 1}), ("Blue", {"id": ticket})], key="teams", multi=True),
            Select([("Low", 1), ("High", 2)], on_select=self.more),
            Input("Say", key="say"),
            TextInput("why", "Why?"),
            title="Refund",
            on_submit=self.submitted,
        )

    def more(self, thread: Any, click: Any) -> None:
        is_on_modal = (click.channel, click.message_id) == ("", self.view["id"])
        self.seen.append((thread.key, click.value, is_on_modal, click.trigger_id))
        thread.post("There is more")

    def submitted(self, thread: Any, submission: Any) -> None:
        self.seen.append(submission.values)

    def action_id(self, **of: Any) -> str:
        return ActionSnapshot.objects.get(**of).action_id

    def click(self, action_id: str, kind: str = "button", **changes: Any) -> None:
        self.clicks += 1
        value = payload("interactive_block_actions")
        for missing in ("channel", "response_url"):
            del value[missing]
        value["container"] = {"type": "view", "view_id": self.view["id"]}
        value["view"] = {**self.view, "app_installed_team_id": "T111", "state": {"values": {}}}
        held = changes.pop("held", {})
        value["actions"] = [{"type": kind, "action_id": action_id, "block_id": "b", "action_ts": "1", **held}]
        value |= {"trigger_id": f"trigger.{self.clicks}", **changes}
        assert self.slack.interaction(value).status_code == 200
        self.run_all()

    def submit(self, values: dict[str, Any]) -> None:
        value = payload("interactive_view_submission")
        value["view"] |= {**self.view, "state": {"values": values}}
        assert self.slack.interaction(value).status_code == 200
        self.run_all()


@pytest.fixture
def opened(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: Callable[[], list[Drained]]
) -> Form:
    return Form(make_bot, slack, slack_api, run_all)


@pytest.fixture(params=[False, True], ids=["hot", "cold"])
def form(request: pytest.FixtureRequest, opened: Form, restart: Callable[[], None]) -> Form:
    if request.param:
        restart()
        opened.deploy()
    return opened


def test_a_button_in_a_modal_runs_its_handler_in_the_modals_thread(form: Form, slack_api: SlackWebApi) -> None:
    form.click(form.action_id(label="More"))
    assert form.seen == [("C111", {"ticket": 7}, True, "trigger.1")]
    assert slack_api.done("chat.postMessage")[-1].arguments["channel"] == "C111"
    form.click(form.action_id(label="More"), user={"id": "W222"})
    assert told(slack_api) == [("W222", CONSUMED_TEXT)]
    assert len(form.seen) == 1
    assert Thread.objects.count() == 1


def test_a_menu_in_a_modal_runs_its_handler(form: Form) -> None:
    held = {"selected_option": {"value": "1"}}
    form.click(form.action_id(event="onSelect", has_handler=True), "static_select", held=held)
    assert form.seen == [("C111", 2, True, "trigger.1")]


def test_a_key_in_a_modal_goes_to_the_bots_own_handler(form: Form) -> None:
    form.click("own", held={"value": "forged"})
    assert form.seen == [("own", "v", "C111")]


def test_a_control_of_a_modal_that_is_gone_is_told_of_where_the_modal_was_opened(
    form: Form, slack_api: SlackWebApi
) -> None:
    form.click("nobody")
    form.click("ck:0000000000000000", "static_select")
    (first, _) = slack_api.done("chat.postEphemeral")
    assert told(slack_api) == [("W111", EXPIRED_TEXT)] * 2
    assert first.arguments["channel"] == "C111"


def test_what_a_submission_will_have_needs_no_answer_before(form: Form, slack_api: SlackWebApi) -> None:
    form.click("who", "static_select", held={"selected_option": {"value": "1"}})
    form.click("say", "plain_text_input", held={"value": "Hello"})
    assert (form.seen, told(slack_api)) == ([], [])
    assert Receipt.objects.exclude(ignored="").count() == 2


def test_the_menus_of_a_message_have_their_posted_values_in_a_submission(form: Form) -> None:
    form.submit(
        {
            "b1": {"who": {"type": "static_select", "selected_option": {"value": "1"}}},
            "b2": {"teams": {"type": "multi_static_select", "selected_options": [{"value": "1"}, {"value": "0"}]}},
            "b3": {"say": {"type": "plain_text_input", "value": "Hello"}},
            "why": {"why": {"type": "plain_text_input", "value": "broken"}},
        }
    )
    assert form.seen == [{"who": {"id": 7}, "teams": [{"id": 7}, {"id": 1}], "say": "Hello", "why": "broken"}]


@pytest.mark.parametrize(("name", "heard"), [("callback_id", True), ("key", True), ("key", False)])
def test_the_closing_of_a_modal_with_an_id_of_the_bots_own_is_heard(
    opened: Form, slack: SlackSender, slack_api: SlackWebApi, *, name: str, heard: bool
) -> None:
    seen = []
    bot = opened.make_bot(on_lock_conflict="queue")
    given = {} if heard else {"on_submit": opened.submitted}
    bot.on_command("/own")(
        lambda thread, command: thread.open_modal(Modal(title="Own", **{name: "own"}, **given), trigger=command)
    )
    bot.on_modal_close("own")(lambda thread, closed: seen.append((thread.key, closed.callback_id)))
    form = {**payload("command_slash"), "command": "/own", "channel_id": "C111", "trigger_id": "own"}
    slack.post("/slack/commands", urlencode(form).encode(), "application/x-www-form-urlencoded")
    opened.run_all()
    view = slack_api.done("views.open")[-1].answer["view"]
    assert view.get("notify_on_close", False) is heard, "with an on_submit the id is botstate's"
    if heard:
        value = payload("interactive_view_closed")
        value["view"] |= view
        assert slack.interaction(value).status_code == 200
        opened.run_all()
        assert seen == [("C111", "own")]


def test_a_click_in_a_home_tab_goes_to_the_bots_own_handler_or_to_nobody(form: Form, slack_api: SlackWebApi) -> None:
    home = {"id": "V111", "type": "home", "callback_id": "", "state": {"values": {}}}
    form.click("own", view=home, held={"value": "from the tab"})
    assert form.seen == [("own", "from the tab", "W111")]
    form.click("nobody", view=home)
    assert told(slack_api) == []
    assert [receipt.ignored != "" for receipt in Receipt.objects.order_by("pk")] == [False, False, True]
