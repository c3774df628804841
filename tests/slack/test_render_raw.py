"""Blocks of your own beside botstate's: they stay as they are, and botstate's take what is left."""

from typing import Any

import pytest

from botstate.actions.controls import bind_controls
from botstate.platforms.slack.render import render
from botstate.ui import Actions, Button, Markdown, Message, Row, Section, Table, raw
from tests.slack.block_kit import problems_of_message

pytestmark = pytest.mark.once

OWN_TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}


def own_markdown(length: int) -> dict[str, Any]:
    return {"type": "markdown", "text": "x" * length}


def blocks_of(ui: Any) -> list[dict[str, Any]]:
    message: dict[str, Any] = render(bind_controls(ui).nodes)
    assert problems_of_message(message) == []
    return list(message["blocks"])


@pytest.mark.parametrize("is_first", [False, True])
def test_your_own_markdown_leaves_what_it_leaves_to_the_other(*, is_first: bool) -> None:
    own, other = raw("slack", own_markdown(11_000)), Markdown("y" * 11_000)
    blocks = blocks_of(Message(own, other) if is_first else Message(other, own))
    assert own_markdown(11_000) in blocks
    (cut,) = (block["text"] for block in blocks if "y" in block["text"])
    assert cut.endswith("…")
    assert 900 < len(cut) <= 1_000


def test_your_own_markdown_may_leave_nothing() -> None:
    ui = Message(Markdown("y" * 100), Actions(Button("Go", key="go")), raw("slack", own_markdown(11_900)))
    blocks = blocks_of(ui)
    assert [len(block.get("text", "")) for block in blocks if block["type"] == "markdown"] == [1, 11_900]


def test_your_own_table_is_the_only_one() -> None:
    blocks = blocks_of([Table(Row("b")), raw("slack", [OWN_TABLE])])
    assert [block["type"] for block in blocks] == ["section", "table"]
    assert blocks[1] == OWN_TABLE


def test_your_own_texts_count_for_the_message_as_a_whole() -> None:
    own = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_000}} for _ in range(3)]
    blocks = blocks_of([Section("y" * 3_000), raw("slack", own), Section("z" * 3_000)])
    assert blocks[1:4] == own
    assert [len(blocks[0]["text"]["text"]), len(blocks[4]["text"]["text"])] == [2_799, 1]


def test_what_is_no_block_of_slacks_counts_for_nothing() -> None:
    ui = [
        raw("teams", own_markdown(12_000)),
        Actions(raw("slack", {"type": "datepicker", "action_id": "day"})),
        raw("slack", [1, {"type": "markdown", "text": None}, {"type": "video", "rows": {"text": ["odd"]}}]),
        Markdown("y" * 11_000),
        Table(Row("b")),
    ]
    blocks = render(bind_controls(ui).nodes)["blocks"]
    assert blocks[-2:] == [{"type": "markdown", "text": "y" * 11_000}, *blocks[-1:]]
    assert blocks[-1]["type"] == "table"
