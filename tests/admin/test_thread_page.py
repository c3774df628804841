"""One thread's page: facts, turns, deliveries, live actions."""

import json
from collections.abc import Callable

import pytest

from botstate import Bot
from botstate.admin import history
from botstate.models import Delivery, Thread, Turn
from tests.admin.conftest import SECOND_US, Page, Rows

Visit = Callable[[Thread], Page]
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def bot(make_bot: Callable[..., Bot]) -> Bot:
    return make_bot()


def test_the_facts(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread("C9:1.5", workspace="TACME", app="A7", age=7200, created_us=rows.ago(3 * 86_400))
    rows.lease(thread, left=210)
    rows.turn(thread, status=Turn.Status.FAILED)
    text = visit_thread(thread).text
    assert "Bot helper Platform slack, app A7 Workspace TACME Waiting turns 1 Key C9:1.5" in text
    assert "▶ held by worker-a:42, fence 3, 3 min left" in text
    assert "(2 h ago) Created" in text
    assert "(3 d ago)" in text
    assert "Needs attention: ! 1 turn to be retried" in text


def test_a_quiet_thread(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    text = visit_thread(rows.thread()).text
    assert "Needs attention" not in text
    assert "Nothing is stored yet." in text
    assert "No turns." in text
    assert "No deliveries." in text
    assert "No control of this thread can be clicked any more." in text


def test_a_thread_that_is_not_there(bot: Bot, rows: Rows, visit: Callable[..., Page]) -> None:
    assert visit("thread/999/change/").status == 302


def test_turns_newest_first(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    received, started = rows.ago(100), rows.ago(97)
    rows.turn(
        thread,
        7,
        {"user": "U9", "data": {"text": f"{'long ' * 40}"}},
        received_us=received,
        started_us=started,
        finished_us=started + 1_240_000,
        status=Turn.Status.DONE,
        attempts=2,
    )
    rows.turn(thread, 8, kind="mention")
    page = visit_thread(thread)
    row = page.row("7 ")
    assert row.startswith(f"7 message U9 {'long ' * 15}long…"[:60])
    assert "✓ done 2" in row
    assert "(1 min ago)" in row
    assert "(3.0 s later) 1.2 s" in row
    assert page.row("8 ").startswith("8 mention U1 hello … waiting 0")
    assert page.html.index('<th scope="row">8<') < page.html.index('<th scope="row">7<')


def test_a_long_text_is_cut_at_80_characters(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    rows.turn(thread, event={"user": "U1", "data": {"text": "x" * 500}})
    html = visit_thread(thread).html
    assert "x" * 79 + "…" in html
    assert "x" * 80 not in html


def test_why_a_turn_is_where_it_is(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    rows.turn(thread, 1, status=Turn.Status.DROPPED, reason="a turn of the thread was running or waiting")
    rows.turn(
        thread,
        2,
        status=Turn.Status.DEAD,
        error_type="KeyError",
        error_place="bots.py:4 in triage",
        started_us=rows.ago(5),
        finished_us=rows.ago(4.5),
        attempts=5,
    )
    rows.turn(thread, 3, status=Turn.Status.FAILED, error_type="OSError", due_us=rows.ago(-630), started_us=rows.ago(9))
    rows.turn(thread, 4, status=Turn.Status.RUNNING, started_us=rows.ago(9))
    page = visit_thread(thread)
    assert "– dropped 0 a turn of the thread was running or waiting" in page.row("1 ")
    assert "✕ dead 5 KeyError at bots.py:4 in triage" in page.row("2 ")
    assert page.row("2 ").endswith("500 ms")
    assert "! failed 0 OSError next attempt in 10 min" in page.row("3 ")
    assert "▶ running 0 its worker is gone: it will be run again" in page.row("4 ")


def test_a_running_turn_says_for_how_long(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    rows.lease(thread)
    rows.turn(thread, status=Turn.Status.RUNNING, started_us=rows.ago(120))
    row = visit_thread(thread).row("1 ")
    assert row.endswith("2 min so far")
    assert "gone" not in row


def test_a_click_is_named_by_its_controls_label(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    rows.action(rows.delivery(thread), "ck:1", label="Approve the refund")
    rows.turn(thread, 1, {"user": "U7", "data": {"action_id": "ck:1"}}, kind="click")
    rows.turn(thread, 2, {"user": "U7", "data": {"action_id": "ck:gone"}}, kind="click")
    page = visit_thread(thread)
    assert page.row("1 click").startswith("1 click U7 Approve the refund")
    assert page.row("2 click").startswith("2 click U7 ck:gone")


def test_only_the_latest_are_shown_and_the_others_counted(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    for number in range(1, 58):
        rows.turn(thread, number)
        rows.action(rows.delivery(thread, text=f"post {number}."), label=f"Button {number}.")
    page = visit_thread(thread)
    assert page.text.count("7 older not shown") == 3
    assert page.row("57 message")
    assert '<th scope="row">7<' not in page.html
    assert "post 8." in page.text
    assert "post 7." not in page.text
    assert "Button 8." in page.text
    assert "Button 7." not in page.text


def test_deliveries(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    turn = rows.turn(thread, 31)
    first = rows.delivery(
        thread, "Ticket 7 is waiting.", turn=turn, status=Delivery.Status.SENT, attempts=1, sent_us=rows.ago(90)
    )
    second = rows.delivery(
        thread, kind="ephemeral", user="U5", attempts=3, error="ratelimited", due_us=rows.ago(-40), position=1
    )
    third = rows.delivery(thread, status=Delivery.Status.FAILED, attempts=1, error="channel_not_found", position=2)
    page = visit_thread(thread)
    row = page.row(f"{first.pk} #31")
    assert row.startswith(f"{first.pk} #31 post Ticket 7 is waiting. ✓ sent 1")
    assert "(1 min ago)" in row
    assert f"{second.pk} – ephemeral to U5 hi … waiting 3 ratelimited, next attempt in" in page.row(f"{second.pk} –")
    assert "✕ failed 1 channel_not_found" in page.row(f"{third.pk} –")


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (
            {"text": "", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "from a block"}}]},
            "from a block",
        ),
        ({"blocks": [{"elements": [{"text": {"text": "Approve"}}, {"text": {"text": "Deny"}}]}]}, "Approve Deny"),
        ({"blocks": None}, "post … waiting"),
    ],
)
def test_a_message_without_text_is_shown_by_its_blocks(
    bot: Bot, rows: Rows, visit_thread: Visit, payload: object, shown: str
) -> None:
    thread = rows.thread()
    rows.delivery(thread, payload=json.dumps(payload))
    assert shown in visit_thread(thread).text


def test_live_actions(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    @bot.component
    def Card(ticket_id: int) -> None: ...

    thread = rows.thread()
    delivery = rows.delivery(thread)
    turn = rows.turn(thread, 5)
    rows.action(delivery, "ck:1", label="Approve", once=True, consumed_by=turn.pk)
    rows.action(delivery, "ck:2", label="Reject", once=True)
    rows.action(delivery, "ck:3", label="Assign", bound_args='{"to":"on-call"}', left=7200)
    rows.action(delivery, "ck:4", label="Vanished", component="OldCard", props="null")
    rows.action(delivery, "ck:5", label="Expired", left=-1)
    page = visit_thread(thread)
    assert page.row("Approve").startswith(f"Approve Card ticket_id=7 – {delivery.pk} – used by turn #5")
    assert f"{delivery.pk} ✓ once, not used yet" in page.row("Reject")
    assert f"ticket_id=7 to=on-call {delivery.pk} any number of times" in page.row("Assign")
    assert page.row("Assign").endswith("(in 1 h)")
    assert "✕ OldCard: not in the bot any more" in page.row("Vanished")
    assert "Expired" not in page.text


def test_an_action_used_by_a_turn_that_is_not_shown(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    rows.action(rows.delivery(thread), once=True, consumed_by=4711, component="")
    assert "used by the turn of id 4711" in visit_thread(thread).row("Approve inline")


def test_a_missing_bot_is_a_warning(rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread(bot="long gone")
    rows.action(rows.delivery(thread))
    page = visit_thread(thread)
    assert "No bots.py defines a bot named “long gone”." in page.text
    assert "not in the bot any more" not in page.text


def test_other_threads_rows_are_not_shown(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    rows.turn(rows.thread("C1:other"), event={"data": {"text": "not for here"}})
    assert "not for here" not in visit_thread(rows.thread()).text


@pytest.mark.parametrize(
    "event", ["{broken", "[]", '{"data":[]}', '{"data":{"text":null},"user":7}', '{"data":{"action_id":[1]}}']
)
def test_a_damaged_row_does_not_break_the_page(bot: Bot, rows: Rows, visit_thread: Visit, event: str) -> None:
    thread = rows.thread()
    turn = rows.turn(thread)
    Turn.objects.filter(pk=turn.pk).update(event=event)
    delivery = rows.delivery(thread, payload=event)
    rows.action(delivery, props=event, bound_args=event)
    assert visit_thread(thread).status == 200


def test_what_strangers_wrote_is_escaped(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread(f"C1:{EVIL}", bot=EVIL, workspace=EVIL, app=EVIL)
    rows.lease(thread, holder=EVIL)
    rows.turn(
        thread,
        event={"user": EVIL, "data": {"text": EVIL + "\u202e"}},
        kind="<b>x</b>",
        reason=EVIL,
        error_type=EVIL,
        error_place=EVIL,
    )
    delivery = rows.delivery(thread, EVIL, user=EVIL, error=EVIL)
    rows.action(delivery, label=EVIL, component=EVIL, props=json.dumps({EVIL: EVIL}), bound_args=json.dumps([EVIL]))
    rows.state(thread, {EVIL: {EVIL: [EVIL]}})
    page = visit_thread(thread)
    assert EVIL not in page.html
    assert "<b>x</b>" not in page.html
    assert "\u202e" not in page.html
    assert page.text.count(EVIL) >= 15


def test_the_page_costs_the_same_for_3_and_30_rows(bot: Bot, rows: Rows, count_queries: Callable[[str], int]) -> None:
    thread = rows.thread()
    rows.state(thread, {})
    rows.lease(thread)

    def add(number: int) -> None:
        turn = rows.turn(thread, number)
        rows.action(rows.delivery(thread, turn=turn), once=True, consumed_by=turn.pk)

    path = f"thread/{thread.pk}/change/"
    for number in range(3):
        add(number)
    few = count_queries(path)
    for number in range(3, 30):
        add(number)
    assert count_queries(path) == few
    assert few <= 6
    for number in range(30, 60):
        add(number)
    # Three more, to count what is not shown.
    assert count_queries(path) == few + 3


def test_everything_is_judged_at_one_moment(bot: Bot, rows: Rows, visit_thread: Visit) -> None:
    thread = rows.thread()
    shown = history.History("default", thread, bot, rows.now_us + 10 * SECOND_US)
    assert shown.turns.not_shown == 0
    rows.action(rows.delivery(thread), left=5)
    assert history.History("default", thread, bot, rows.now_us + 10 * SECOND_US).actions.rows == []
    assert len(history.History("default", thread, bot, rows.now_us).actions.rows) == 1
