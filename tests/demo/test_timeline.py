"""What the demo prints, and what it counts."""

import io

import pytest

from botproject.demo.timeline import Timeline

pytestmark = pytest.mark.once


def test_checks_are_printed_and_counted() -> None:
    out = io.StringIO()
    timeline = Timeline(out)

    assert timeline.check("one is one", got=1, expected=1)
    assert not timeline.check("one is two", got=1, expected=2)
    timeline.verdict()

    assert timeline.passed == 1
    assert timeline.failures == ["one is two"]
    text = out.getvalue()
    assert "✓ one is one" in text
    assert "✗ one is two" in text
    assert "expected 2" in text
    assert "1 failed, 1 held" in text


def test_no_colours_where_nobody_sees_them() -> None:
    out = io.StringIO()
    Timeline(out).act("Something happens")

    assert out.getvalue() == "\n1. Something happens\n"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    out = io.StringIO()
    Timeline(out).table(["id", "status"], [[1, "done"], [1000, "waiting"]])

    assert out.getvalue() == "  id    status\n  1     done\n  1000  waiting\n"
