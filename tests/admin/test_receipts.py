"""Receipts: the admin shows how every accepted event ended."""

from collections.abc import Callable

import pytest

from botstate import Bot
from botstate.models import Turn
from tests.admin.conftest import Page, Rows

Visit = Callable[..., Page]


def test_a_receipt_shows_its_turns_end(rows: Rows, visit: Visit) -> None:
    thread = rows.thread()
    receipt = rows.receipt("message C1 1.1", age=65)
    rows.turn(thread, 4, receipt=receipt, status=Turn.Status.DROPPED, reason="a turn was waiting")
    page = visit("receipt/")
    row = page.row("message C1 1.1")
    assert row.startswith("message C1 1.1 – dropped turn #4 a turn was waiting 2")
    assert "helper slack T1" in row
    assert "(1 min ago)" in row
    assert "(in 23 h)" in row
    assert f'<a href="/admin/botstate/thread/{thread.pk}/change/">turn #4</a>' in page.html


@pytest.mark.parametrize("status", list(Turn.Status))
def test_every_status_has_a_word(rows: Rows, visit: Visit, status: Turn.Status) -> None:
    rows.turn(rows.thread(), receipt=rows.receipt(), status=status)
    assert f"{status.value} turn #1" in visit("receipt/").row("message C1 1.1")


def test_ignored_events_say_why(rows: Rows, visit: Visit) -> None:
    rows.receipt(ignored="no handler takes them")
    assert "– ignored no handler takes them" in visit("receipt/").row("message C1 1.1")


def test_a_dead_turns_error_is_its_reason(rows: Rows, visit: Visit) -> None:
    rows.turn(rows.thread(), receipt=rows.receipt(), status=Turn.Status.DEAD, error_type="KeyError")
    assert "✕ dead turn #1 KeyError" in visit("receipt/").row("message C1 1.1")


def test_a_receipt_that_outlived_its_turn(rows: Rows, visit: Visit) -> None:
    rows.receipt()
    assert "its turn was deleted" in visit("receipt/").row("message C1 1.1")


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [("ignored", {"one"}), ("kept", {"two", "three"}), ("done", {"two"}), ("dead", {"three"}), ("waiting", set())],
)
def test_the_outcome_filter(rows: Rows, visit: Visit, outcome: str, shown: set[str]) -> None:
    thread = rows.thread()
    rows.receipt("one", ignored="because")
    rows.turn(thread, 1, receipt=rows.receipt("two"), status=Turn.Status.DONE)
    rows.turn(thread, 2, receipt=rows.receipt("three"), status=Turn.Status.DEAD)
    text = visit("receipt/", outcome=outcome).html
    assert {name for name in ("one", "two", "three") if f">{name}</a>" in text} == shown


def test_newest_first_and_found_by_identity(rows: Rows, visit: Visit) -> None:
    rows.receipt("old one", age=100)
    rows.receipt("new one", age=1)
    html = visit("receipt/").html
    assert html.index(">new one<") < html.index(">old one<")
    assert "1 result" in visit("receipt/", q="new").text


def test_a_receipts_page(make_bot: Callable[..., Bot], rows: Rows, visit: Visit) -> None:
    receipt = rows.receipt('click ["C1 1.1","U1","ck:1"]')
    rows.turn(rows.thread(), receipt=receipt)
    text = visit(f"receipt/{receipt.pk}/change/").text
    assert 'Identity: click ["C1 1.1","U1","ck:1"] Bot: helper' in text
    assert "Outcome: … waiting turn #1 Reason: –" in text


def test_what_strangers_wrote_is_escaped(rows: Rows, visit: Visit) -> None:
    evil = "<script>alert(1)</script>"
    receipt = rows.receipt(evil, ignored=evil, workspace=evil, bot=evil)
    for page in (visit("receipt/"), visit(f"receipt/{receipt.pk}/change/")):
        assert evil not in page.html
        assert evil in page.text


def test_a_page_costs_the_same_for_3_and_30_receipts(rows: Rows, count_queries: Callable[[str], int]) -> None:
    thread = rows.thread()

    def add(number: int) -> None:
        rows.turn(thread, number, receipt=rows.receipt(f"message {number}"))
        rows.receipt(f"ignored {number}", ignored="because", workspace=f"T{number}")

    for number in range(3):
        add(number)
    few = count_queries("receipt/")
    for number in range(3, 30):
        add(number)
    assert count_queries("receipt/") == few
    assert few <= 8
