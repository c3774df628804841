"""Block Kit, and Slack's limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botstate.actions.controls import bind_controls
from botstate.platforms.slack.links import is_link
from botstate.platforms.slack.render import render
from botstate.types import Json
from botstate.ui import Actions, Button, Component, Header, Input, Message, Section, Select

pytestmark = pytest.mark.once


def handler(thread: Any, click: Any) -> None: ...


def rendered(ui: Any) -> dict[str, Json]:
    return render(bind_controls(ui).nodes)


def test_a_card() -> None:
    card = Component(
        "Card",
        lambda ticket: Message(
            Header("Ticket ", ticket),
            Section("Refund *now*?"),
            Actions(Button("Yes", on_click=handler, value={"ok": True}, style="primary", confirm="Really?")),
        ),
    )
    bound = bind_controls(card(ticket=7))
    assert render(bound.nodes) == {
        "text": "Ticket 7 Refund *now*?",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Ticket 7", "emoji": True}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "Refund *now*?"}},
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Yes", "emoji": True},
                        "action_id": bound.controls[0].action_id,
                        "value": '{"ok":true}',
                        "style": "primary",
                        "confirm": {
                            "title": {"type": "plain_text", "text": "Are you sure?", "emoji": True},
                            "text": {"type": "plain_text", "text": "Really?"},
                            "confirm": {"type": "plain_text", "text": "Yes", "emoji": True},
                            "deny": {"type": "plain_text", "text": "Cancel", "emoji": True},
                        },
                    }
                ],
            },
        ],
    }


def test_a_message_of_controls_alone_reads_as_their_labels() -> None:
    assert rendered(Actions(Button("Yes", key="y"), Button("No", key="n")))["text"] == "Yes No"


def test_plain_text() -> None:
    assert rendered("Hello *you*") == {
        "text": "Hello *you*",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Hello *you*"}}],
    }


def test_a_button_without_a_handler_has_its_key_as_id() -> None:
    assert rendered(Actions(Button("Go", key="go", value="v")))["blocks"][0]["elements"][0] == {
        "type": "button",
        "text": {"type": "plain_text", "text": "Go", "emoji": True},
        "action_id": "go",
        "value": "v",
    }


def test_more_than_25_buttons_take_more_rows() -> None:
    blocks = rendered(Actions(Button(str(n), on_click=handler) for n in range(60)))["blocks"]
    assert [len(block["elements"]) for block in blocks] == [25, 25, 10]


def test_more_than_50_blocks_are_said_to_be_left_out() -> None:
    blocks = rendered(Message(Section(str(n)) for n in range(60)))["blocks"]
    assert len(blocks) == 50
    assert blocks[-1]["text"]["text"] == "… 11 more blocks"


@pytest.mark.parametrize(
    ("ui", "longest", "read"),
    [
        (Header("x" * 500), 150, lambda block: block["text"]["text"]),
        (Section("x" * 5_000), 3_000, lambda block: block["text"]["text"]),
        (Actions(Button("x" * 100, key="k")), 75, lambda block: block["elements"][0]["text"]["text"]),
    ],
)
def test_long_text_is_cut_visibly(ui: Any, longest: int, read: Any) -> None:
    text = read(rendered(ui)["blocks"][0])
    assert len(text) == longest
    assert text.endswith("…")


def test_a_value_that_is_too_long_for_slack_stays_at_home() -> None:
    element = rendered(Actions(Button("x", on_click=handler, value="v" * 2_001)))["blocks"][0]["elements"][0]
    assert "value" not in element


NODES = st.recursive(
    st.text(max_size=4_000) | st.integers() | st.none(),
    lambda inner: st.builds(
        lambda make, children: make(*children),
        st.sampled_from([Message, Header, Section, Actions, lambda *c: Button(*c, on_click=handler)]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(NODES)
def test_rendering_never_fails_and_keeps_slacks_limits(ui: Any) -> None:
    message = rendered(ui)
    assert len(message["blocks"]) <= 50
    for block in message["blocks"]:
        if block["type"] == "actions":
            assert 1 <= len(block["elements"]) <= 25
            assert all(1 <= len(element["text"]["text"]) <= 75 for element in block["elements"])
        else:
            assert 1 <= len(block["text"]["text"]) <= 3_000


def test_what_nobody_listens_to_needs_no_answer() -> None:
    ui = Message(Select(["a"]), Select(["a"], multi=True), Input("a"), Actions(Button("a"), Button("a", key="mine")))
    blocks = rendered(ui)["blocks"]
    elements = [blocks[0]["elements"][0], blocks[1]["accessory"], blocks[2]["element"], *blocks[3]["elements"]]
    names = [element["action_id"] for element in elements]
    assert names == ["link:0", "link:1", "link:2", "link:3", "mine"]
    assert [is_link({"action_id": name}, {"blocks": blocks}) for name in names] == [True] * 4 + [False]


@pytest.mark.parametrize("accent", [None, "#27AE60"])
def test_a_link_with_a_key_is_found_in_its_message(accent: str | None) -> None:
    message = rendered(Message(Button("Docs", url="https://e.com", key="docs"), Button("Go", key="go"), accent=accent))
    assert is_link({"action_id": "docs"}, message)
    assert not is_link({"action_id": "go"}, message)
    assert not is_link({"action_id": "go"}, {"attachments": [None, {}], "blocks": "x"})
