"""Updates of a message: a click does what the person was shown, in every process, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botproject.demo.slack_api import Fault, SlackWebApi
from botstate import Bot, bind
from botstate.actions import snapshots
from botstate.actions.resolving import hot_controls
from botstate.models import ActionSnapshot, PendingChoice
from botstate.runtime import journal
from botstate.runtime.interactions import CONSUMED_TEXT, DENIED_TEXT, EXPIRED_TEXT
from botstate.ui import Actions, Button, Message
from tests.runtime.desk import Desk, Restart, RunAll, told
from tests.slack.signing import SlackSender, payload

pytestmark = pytest.mark.django_db

POST, UPDATE = "post", "update"


class Board:
    """A bot that posts a message and updates it, and what its handlers saw."""

    def __init__(self, bot: Bot, slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> None:
        self.seen: list[Any] = []
        self.bot, self.slack, self.slack_api, self.run_all = bot, slack, slack_api, run_all
        self.layouts: dict[str, Callable[[], Any]] = {}
        self.written = 0
        self.clicks = 0
        self.write: Callable[[Any, Any], None] = self.post_or_update
        bot.on_message(self.handle)

    def handle(self, thread: Any, message: Any) -> None:
        self.write(thread, message)

    def post_or_update(self, thread: Any, message: Any) -> None:
        ui = self.layouts[message.text]()
        if message.text == POST:
            thread.set_state(card=thread.post(ui).id)
        else:
            thread.update(thread.state()["card"], ui)

    def show(self, text: str, layout: Callable[[], Any], *, is_run: bool = True) -> None:
        """Post the message, or update it."""
        self.layouts[text] = layout
        self.written += 1
        self.slack.message(ts=f"9.{self.written}", thread_ts="1.0", text=text)
        if is_run:
            self.run_all()

    def show_elsewhere(self, text: str, layout: Callable[[], Any]) -> None:
        """Do it in another process, of which this one's memory knows nothing."""
        remembered = dict(hot_controls._controls)
        hot_controls.clear()
        self.show(text, layout)
        hot_controls.clear()
        hot_controls._controls.update(remembered)

    def click(self, action_id: str, user: str = "W111") -> None:
        self.clicks += 1
        ref = self.slack_api.calls[0].ts
        self.slack.click(ref, action_id, trigger_id=f"click {self.clicks}", user={"id": user})
        self.run_all()

    def react(self) -> None:
        """Put an emoji on the message."""
        self.clicks += 1
        value = payload("event_reaction_added")
        value["event_id"] = f"Ev{self.clicks}"
        value["event"] |= {"item": {"type": "message", "channel": "C111", "ts": self.slack_api.calls[0].ts}}
        self.slack.event(value)
        self.run_all()

    def reacted(self, thread: Any, reaction: Any, n: int) -> None:
        self.seen.append(n)

    def approve(self, thread: Any, click: Any) -> None:
        self.seen.append(("approve", click.value))

    def reject(self, thread: Any, click: Any) -> None:
        self.seen.append(("reject", click.value))

    def paid(self, thread: Any, click: Any, n: int) -> None:
        self.seen.append(n)

    def saw(self, thread: Any, click: Any) -> None:
        self.seen.append((click.value, click.user))


@pytest.fixture
def board(make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll) -> Board:
    return Board(make_bot(on_lock_conflict="queue"), slack, slack_api, run_all)


def id_of(label: str) -> str:
    return ActionSnapshot.objects.get(label=label).action_id


@pytest.mark.parametrize("key", [None, "decide"])
def test_an_inline_control_that_an_update_replaces_does_what_it_did(board: Board, key: str | None) -> None:
    board.show(POST, lambda: Actions(Button("Approve", on_click=board.approve, key=key)))
    board.show(UPDATE, lambda: Actions(Button("Reject", on_click=board.reject, key=key)), is_run=False)
    # People see the old one until the update has reached them.
    board.click(id_of("Approve"))
    assert board.seen == [("approve", None)]
    board.click(id_of("Reject"))
    assert board.seen[1:] == [("reject", None)]


@pytest.mark.parametrize("key", [None, "decide"])
def test_an_inline_control_of_another_process_never_runs_this_ones_handler(board: Board, key: str | None) -> None:
    board.show(POST, lambda: Actions(Button("Approve", on_click=board.approve, key=key)))
    board.show_elsewhere(UPDATE, lambda: Actions(Button("Reject", on_click=board.reject, key=key)))
    board.click(id_of("Reject"))
    assert board.seen == []
    assert told(board.slack_api) == [("W111", EXPIRED_TEXT)]


def test_an_inline_control_lives_on_where_the_update_is_refused(board: Board) -> None:
    board.show(POST, lambda: Actions(Button("Pay", on_click=board.approve, value=10)))
    board.slack_api.fail_next(Fault("edit_window_closed"), method="chat.update")
    shown = ActionSnapshot.objects.get().action_id
    board.show(UPDATE, lambda: Actions(Button("Pay", on_click=board.approve, value=99)))
    board.click(shown)
    assert board.seen == [("approve", 10)]


def test_an_inline_control_that_an_update_keeps_is_one_control(board: Board) -> None:
    def layout() -> Any:
        return Actions(Button("Go", on_click=bind(board.paid, {"n": 1}), once=True))

    board.show(POST, layout)
    board.click(id_of("Go"))
    board.show(UPDATE, layout)
    board.click(id_of("Go"))
    assert board.seen == [1]
    assert told(board.slack_api) == [("W111", CONSUMED_TEXT)]


def test_a_value_is_that_of_the_newest_update_in_every_process(board: Board) -> None:
    board.bot.on_interaction("pay")(board.saw)
    board.show(POST, lambda: Actions(Button("Pay 10", key="pay", value=10)))
    board.show_elsewhere(UPDATE, lambda: Actions(Button("Pay 99", key="pay", value=99)))
    board.click("pay")
    assert board.seen == [(99, "W111")]


def test_who_may_is_what_the_newest_update_says_in_every_process(board: Board) -> None:
    board.bot.on_interaction("pay")(board.saw)
    board.show(POST, lambda: Actions(Button("Pay", key="pay", allowed_users=["U1"])))
    board.show_elsewhere(UPDATE, lambda: Actions(Button("Pay", key="pay", allowed_users=["U2"])))
    board.click("pay", user="U1")
    board.click("pay", user="U2")
    assert board.seen == [(None, "U2")]
    assert told(board.slack_api) == [("U1", DENIED_TEXT)]


def test_a_control_that_an_update_makes_good_for_one_use_is_in_every_process(board: Board) -> None:
    board.bot.on_interaction("pay")(board.saw)
    board.show(POST, lambda: Actions(Button("Pay", key="pay")))
    board.show_elsewhere(UPDATE, lambda: Actions(Button("Pay", key="pay", once=True)))
    board.click("pay")
    board.click("pay")
    assert board.seen == [(None, "W111")]
    assert told(board.slack_api) == [("W111", CONSUMED_TEXT)]


def test_arguments_that_javascript_takes_for_one_are_two_controls(board: Board) -> None:
    amounts = iter([2**53, 2**53 + 1])
    layout = lambda: Actions(Button("Pay", on_click=bind(board.paid, {"n": next(amounts)})))  # noqa: E731
    card = board.bot.component(layout, name="Card")
    board.show(POST, card)
    shown = ActionSnapshot.objects.get().action_id
    board.show(UPDATE, card)
    board.click(shown)
    assert board.seen == [2**53]


def test_a_forged_id_with_a_nul_is_told_as_any_other(desk: Desk, slack_api: SlackWebApi) -> None:
    desk.click("ck:\x00")
    desk.click(desk.action_id("Approve"))
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]
    assert desk.seen == [("approve", {"ticket": 7}, "W111")]


@pytest.mark.parametrize("change", [str.upper, "{} ".format, " {}".format], ids=["case", "space after", "space before"])
@pytest.mark.parametrize("restarted", [False, True])
def test_an_id_is_compared_exactly(
    desk: Desk, slack_api: SlackWebApi, restart: Restart, change: Callable[[str], str], restarted: bool
) -> None:
    if restarted:
        restart()
    desk.click(change(desk.action_id("Approve")))
    assert desk.seen == []
    assert told(slack_api) == [("W111", EXPIRED_TEXT)]


@pytest.mark.needs("mysql")
def test_ids_are_bytes_to_mariadb_and_mysql() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_type, is_nullable, collation_name FROM information_schema.columns WHERE table_schema = "
            "DATABASE() AND table_name = 'botstate_actionsnapshot' AND column_name = 'action_id'"
        )
        kind, nullable, collation = cursor.fetchone()
    assert (kind, nullable) == ("varchar(255)", "NO")
    assert collation == ("utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_bin")


def test_keys_that_differ_in_case_or_spaces_alone_are_several_controls(board: Board, restart: Restart) -> None:
    # MySQL's collation of bytes knows no difference in trailing spaces.
    is_mysql = connection.vendor == "mysql" and not connection.mysql_is_mariadb
    keys = ["yes", "YES", *([] if is_mysql else ["yes "])]
    for key in keys:
        board.bot.on_interaction(key)(board.saw)
    board.show(POST, lambda: Actions(*[Button(key, key=key, value=key) for key in keys]))
    restart()
    for key in keys:
        board.click(key)
    assert board.seen == [(key, "W111") for key in keys]


def test_a_label_may_hold_a_nul(board: Board) -> None:
    board.show(POST, lambda: Actions(Button("a\x00b", on_click=board.approve)))
    (snapshot,) = ActionSnapshot.objects.all()
    assert snapshot.label == "a\ufffdb"
    board.click(snapshot.action_id)
    assert board.seen == [("approve", None)]


@pytest.mark.parametrize("kind", ["once", "message once"])
def test_a_loser_is_told_from_what_was_read(board: Board, restart: Restart, kind: str) -> None:
    once = kind == "once"
    board.bot.on_interaction("pay")(board.saw)
    board.show(POST, lambda: Message(Actions(Button("Pay", key="pay", once=once)), once=not once))

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            board.click("pay")
        about = ("botstate_actionsnapshot", '"consumed_by" = ', "`consumed_by` = ")
        return sum(any(word in query["sql"] for word in about) for query in queries)

    won, hot = statements(), statements()
    restart()
    cold = statements()
    assert (won, hot, cold) == (1, 2, 1)
    assert board.seen == [(None, "W111")]
    assert told(board.slack_api) == [("W111", CONSUMED_TEXT)] * 2


def listening(board: Board, n: int) -> Message:
    return Message("Card", on_reaction=bind(board.reacted, {"n": n}))


@pytest.mark.parametrize("restarted", [False, True])
def test_a_reaction_runs_what_the_newest_update_says(board: Board, restart: Restart, restarted: bool) -> None:
    card = board.bot.component(lambda n: listening(board, n), name="Card")
    board.show(POST, lambda: card(n=1))
    for n in (2, 1, 3):
        board.show(UPDATE, lambda n=n: card(n=n))
        if restarted:
            restart()
        board.react()
    assert board.seen == [2, 1, 3]


def test_a_reaction_runs_nothing_after_an_update_that_listens_to_none(board: Board) -> None:
    board.show(POST, lambda: Message(listening(board, 1), Actions(Button("Go", on_click=board.approve))))
    board.show(UPDATE, lambda: Message("Closed"))
    board.react()
    assert board.seen == []
    # What could be clicked still can, for as long as people see the old message.
    board.click(id_of("Go"))
    assert board.seen == [("approve", None)]


def test_of_two_updates_in_one_turn_the_later_one_listens(
    make_bot: Callable[..., Bot], slack: SlackSender, slack_api: SlackWebApi, run_all: RunAll
) -> None:
    bot = make_bot(on_lock_conflict="queue", atomic_turns=False)
    board = Board(bot, slack, slack_api, run_all)
    board.show(POST, lambda: listening(board, 1))

    def write(thread: Any, message: Any) -> None:
        for n in (2, 3):
            thread.update(thread.state()["card"], listening(board, n))

    board.write = write
    board.show(UPDATE, list)
    board.react()
    assert board.seen == [3]


def test_an_update_never_shortens_the_life_of_what_is_asked(board: Board) -> None:
    answers: list[Any] = []

    @board.bot.on_choice
    def decided(thread: Any, choice: Any) -> None:
        answers.append(choice.value)

    def write(thread: Any, message: Any) -> None:
        if message.text == POST:
            card = Actions(Button("Yes", key="yes", value=True))
            thread.set_state(card=thread.await_choice(card, then=decided, timeout="30d").id)
        else:
            reminder = Actions(Button("Yes!", key="yes", value=True), Button("No", key="no", value=False))
            thread.update(thread.state()["card"], reminder)

    board.write = write
    board.show(POST, list)
    expires_us = PendingChoice.objects.get().expires_us
    board.show(UPDATE, list)
    assert {control.label: control.expires_us for control in ActionSnapshot.objects.all()} == {
        "Yes!": expires_us,
        "No": expires_us,
    }
    board.click("no")
    assert answers == [False]


def test_a_thread_keeps_its_cap_whatever_one_turn_posts(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_CONTROLS_PER_THREAD", 5)
    monkeypatch.setattr(snapshots, "MAX_DROPPED", 3)
    card = Actions(*[Button(str(n), key=str(n)) for n in range(14)])
    make_bot().on_message(lambda thread, message: thread.post(card))
    slack.message()
    run_all()
    assert list(ActionSnapshot.objects.order_by("pk").values_list("label", flat=True)) == [str(n) for n in range(9, 14)]


@pytest.mark.parametrize("restarted", [False, True])
def test_two_components_of_one_message_keep_their_controls_apart(
    board: Board, restart: Restart, restarted: bool
) -> None:
    def layout(ticket: int) -> Any:
        return Actions(Button(f"Approve {ticket}", on_click=board.approve, key="approve", value=ticket, once=True))

    card = board.bot.component(layout, name="Card")
    board.show(POST, lambda: [card(ticket=7), card(ticket=8), card(ticket=7)])
    for ticket in (8, 7, 8):
        if restarted:
            restart()
        board.click(id_of(f"Approve {ticket}"))
    assert board.seen == [("approve", 8), ("approve", 7)]
    assert told(board.slack_api) == [("W111", CONSUMED_TEXT)]
    assert ActionSnapshot.objects.count() == 2
