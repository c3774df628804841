"""The list of threads: what a person sees in each column, its filters, its cost."""

import time
from collections.abc import Callable
from typing import Any, Literal

import pydantic
import pytest
from django.contrib import admin
from django.db import connection
from django.test import override_settings

from botstate import Bot
from botstate.admin import ThreadAdmin, readonly
from botstate.models import Delivery, Receipt, Thread, Turn
from tests.admin.conftest import Page, Rows

Visit = Callable[..., Page]
MOMENT_US = 1_700_000_000_000_000


class Ticket(pydantic.BaseModel):
    stage: Literal["triage", "waiting"] = "triage"
    ticket_id: int | None = None
    lines: list[int] = []
    note: str = ""


@pytest.fixture
def bot(make_bot: Callable[..., Bot]) -> Bot:
    return make_bot(state=Ticket)


def test_a_thread_is_one_line_of_facts(bot: Bot, rows: Rows, visit: Visit) -> None:
    thread = rows.thread("C7:1.5", age=185, workspace="TACME")
    rows.state(thread, {"stage": "waiting", "ticket_id": 7, "lines": [], "note": ""})
    rows.turn(thread, 1, status=Turn.Status.DONE)
    rows.turn(thread, 2)
    rows.turn(thread, 3)
    row = visit("thread/").row("slack C7:1.5")
    assert row.startswith("slack C7:1.5 stage=waiting · ticket_id=7 2 ")
    assert row.endswith("helper TACME")
    assert "(3 min ago)" in row


def test_the_key_links_to_the_threads_page(bot: Bot, rows: Rows, visit: Visit) -> None:
    thread = rows.thread()
    assert f'<a href="/admin/botstate/thread/{thread.pk}/change/">C1:1.1</a>' in visit("thread/").html


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"stage": "triage", "ticket_id": None, "lines": [], "note": ""}, "all defaults"),
        ({}, "all defaults"),
        ({"lines": [1, 2]}, "lines=[1, 2]"),
        ({"lines": [1, 2, 3, 4]}, "lines=4 items"),
        ({"note": "x" * 100}, f"note={'x' * 39}…"),
        ({"note": "two\nlines"}, "note=two lines"),
        ({"note": "7"}, 'note="7"'),
        ({"stage": "gone", "ticket_id": 7}, "✕ does not fit stage=gone · ticket_id=7"),
        ({"ticket_id": True}, "ticket_id=True"),
        ("{broken", "✕ does not fit {broken"),
        ([1], "✕ does not fit [1]"),
        ({f"field{number}": number for number in range(9)}, "field5=5 · +3 more"),
    ],
)
def test_state_in_one_line(bot: Bot, rows: Rows, visit: Visit, value: Any, shown: str) -> None:
    rows.state(rows.thread(), value)
    assert shown in visit("thread/").row("slack C1:1.1")


def test_no_state_yet(bot: Bot, rows: Rows, visit: Visit) -> None:
    rows.thread()
    assert "none yet 0" in visit("thread/").row("slack C1:1.1")


def test_a_bot_without_a_model_shows_every_field(make_bot: Callable[..., Bot], rows: Rows, visit: Visit) -> None:
    make_bot()
    rows.state(rows.thread(), {"step": 2, "who": None})
    assert "step=2 · who=None" in visit("thread/").row("slack C1:1.1")


def test_a_bot_that_no_module_defines_is_said_to_be_missing(rows: Rows, visit: Visit) -> None:
    rows.state(rows.thread(bot="long gone"), {"step": 2})
    assert "long gone ✕ not defined" in visit("thread/").row("slack C1:1.1")


def test_the_lock_is_judged_by_the_stores_clock(bot: Bot, rows: Rows, visit: Visit) -> None:
    rows.lease(rows.thread("C1:held"), left=210)
    rows.lease(rows.thread("C1:lapsed"), left=-150)
    rows.lease(rows.thread("C1:released"), left=100, token="")
    page = visit("thread/")
    assert "▶ held by worker-a:42, fence 3, 3 min left" in page.row("slack C1:held")
    assert "! lapsed 2 min ago from worker-a:42, fence 3" in page.row("slack C1:lapsed")
    assert "– free" in page.row("slack C1:released")


def test_the_web_hosts_clock_has_no_say(bot: Bot, rows: Rows, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Except on SQLite, which has no other."""
    rows.lease(rows.thread(), left=1_000)
    tomorrow_ns = time.time_ns() + 86_400 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: tomorrow_ns)
    expected = "lapsed" if connection.vendor == "sqlite" else "held"
    assert expected in visit("thread/").row("slack C1:1.1")


def test_what_needs_attention_is_flagged(bot: Bot, rows: Rows, visit: Visit) -> None:
    bad, stuck = rows.thread("C1:bad"), rows.thread("C1:stuck")
    rows.turn(bad, 1, status=Turn.Status.DEAD)
    rows.turn(bad, 2, status=Turn.Status.DEAD)
    rows.turn(bad, 3, status=Turn.Status.FAILED)
    rows.delivery(bad, status=Delivery.Status.FAILED)
    rows.delivery(bad)
    rows.turn(stuck, 1, age=600)
    page = visit("thread/")
    row = page.row("slack C1:bad")
    assert "✕ 2 dead turns ✕ 1 failed delivery ! 1 turn to be retried … 1 unsent" in row
    assert "✕ stuck: due for 10 min, no worker has it" in page.row("slack C1:stuck")


def test_a_thread_that_a_worker_has_is_not_stuck(bot: Bot, rows: Rows, visit: Visit) -> None:
    thread = rows.thread()
    rows.turn(thread, 1, age=600)
    rows.lease(thread)
    assert "stuck" not in visit("thread/").row("slack C1:1.1")


def test_a_turn_that_is_to_be_retried_later_is_not_stuck(bot: Bot, rows: Rows, visit: Visit) -> None:
    rows.turn(rows.thread(), 1, age=600, status=Turn.Status.FAILED, due_us=rows.ago(-30))
    assert "stuck" not in visit("thread/").row("slack C1:1.1")


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ("any", {"dead", "failed", "stuck"}),
        ("dead", {"dead"}),
        ("failed", {"failed"}),
        ("stuck", {"stuck"}),
        ("waiting", {"waiting", "held", "stuck", "unsent"}),
        ("nonsense", {"dead", "failed", "stuck", "waiting", "held", "unsent", "calm"}),
    ],
)
def test_the_attention_filter(bot: Bot, rows: Rows, visit: Visit, wanted: str, keys: set[str]) -> None:
    made = {key: rows.thread(f"C1:{key}") for key in ("dead", "failed", "stuck", "waiting", "held", "unsent", "calm")}
    rows.turn(made["dead"], status=Turn.Status.DEAD)
    rows.delivery(made["failed"], status=Delivery.Status.FAILED)
    rows.turn(made["stuck"], age=600)
    rows.turn(made["waiting"], age=5)
    rows.turn(made["held"], age=600)
    rows.lease(made["held"])
    rows.delivery(made["unsent"])
    rows.turn(made["calm"], status=Turn.Status.DONE)
    shown = visit("thread/", attention=wanted)
    assert {key for key in made if f">C1:{key}<" in shown.html} == keys


@pytest.mark.parametrize(("field", "value"), [("bot", "other"), ("platform", "teams"), ("workspace", "T2")])
def test_filters_by_bot_platform_and_workspace(bot: Bot, rows: Rows, visit: Visit, field: str, value: str) -> None:
    rows.thread("C1:one")
    rows.thread("C1:two", **{field: value})
    page = visit("thread/", **{field: value})
    assert "C1:two" in page.text
    assert "C1:one" not in page.text
    assert f"?{field}={value}" in visit("thread/").html


def test_a_filter_offers_a_bounded_number_of_values(bot: Bot, rows: Rows, visit: Visit) -> None:
    for number in range(120):
        rows.thread(f"C1:{number}", workspace=f"W{number:03}")
    assert visit("thread/").html.count("?workspace=W") == 100


def test_search_is_by_part_of_the_key_and_whole_workspace(bot: Bot, rows: Rows, visit: Visit) -> None:
    rows.thread("C1:one", workspace="T10")
    rows.thread("C1:two", workspace="T100")
    assert "1 result" in visit("thread/", q="1:on").text
    page = visit("thread/", q="T10")
    assert "C1:one" in page.text
    assert "C1:two" not in page.text


def test_newest_event_first_and_sortable_by_waiting_turns(bot: Bot, rows: Rows, visit: Visit) -> None:
    old = rows.thread("C1:old", age=500)
    rows.thread("C1:new", age=5)
    rows.turn(old)
    html = visit("thread/").html
    assert html.index(">C1:new<") < html.index(">C1:old<")
    html = visit("thread/", o=f"-{ThreadAdmin.list_display.index('waiting_turns')}").html
    assert html.index(">C1:old<") < html.index(">C1:new<")


@override_settings(USE_TZ=False, TIME_ZONE="America/New_York")
def test_times_without_use_tz(bot: Bot, rows: Rows, visit: Visit, visit_thread: Visit) -> None:
    thread = rows.thread(created_us=MOMENT_US, last_event_us=MOMENT_US)
    rows.turn(thread, received_us=MOMENT_US)
    assert "2023-11-14 17:13:20 EST" in visit("thread/").row("slack C1:1.1")
    assert "Created 2023-11-14 17:13:20 EST" in visit_thread(thread).text


@override_settings(USE_TZ=True, TIME_ZONE="Europe/Berlin")
def test_times_with_use_tz(bot: Bot, rows: Rows, visit: Visit) -> None:
    rows.thread(last_event_us=MOMENT_US)
    assert "2023-11-14 23:13:20 CET" in visit("thread/").row("slack C1:1.1")


def test_a_page_costs_the_same_for_3_and_30_threads(bot: Bot, rows: Rows, count_queries: Callable[[str], int]) -> None:
    def add(number: int) -> None:
        thread = rows.thread(f"C1:{number}", workspace=f"T{number}")
        rows.turn(thread, 1)
        rows.turn(thread, 2, status=Turn.Status.DEAD)
        rows.delivery(thread, status=Delivery.Status.FAILED)
        if number % 2:
            rows.state(thread, {"stage": "waiting"})
            rows.lease(thread)

    for number in range(3):
        add(number)
    few = count_queries("thread/")
    for number in range(3, 30):
        add(number)
    assert count_queries("thread/") == few
    assert few <= 8


def test_what_strangers_wrote_is_escaped(bot: Bot, rows: Rows, visit: Visit) -> None:
    evil = "<script>alert(1)</script>"
    thread = rows.thread(f"C1:{evil}", bot=f"b{evil}", workspace=f"T{evil}", platform="<b>sl</b>")
    rows.state(thread, {evil: evil, "\u202eflipped": "\x00"})
    rows.lease(thread, holder=evil)
    page = visit("thread/")
    assert evil not in page.html
    assert "<b>sl</b>" not in page.html
    assert page.text.count(evil) >= 3
    assert "\u202e" not in page.html
    assert "\\u202eflipped=\\x00" in page.text


def test_pages_run_nothing_inline(bot: Bot, rows: Rows, visit: Visit, visit_thread: Visit) -> None:
    """So that they work under the policy default-src 'self'."""
    thread = rows.thread()
    rows.state(thread, {"lines": [1, 2, 3, 4]})
    for page in (visit("thread/"), visit_thread(thread), visit("receipt/")):
        assert "<style" not in page.html
        assert " style=" not in page.html
        assert "<script>" not in page.html
        assert "botstate/admin.css" in page.html


def test_rows_come_from_botstates_own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        database = "elsewhere"

    monkeypatch.setattr(readonly, "get_settings", lambda: Elsewhere)
    for model in (Thread, Receipt):
        assert admin.site.get_model_admin(model).get_queryset(None).db == "elsewhere"  # type: ignore[arg-type]
