"""Every component, as Slack gets it: tests/data/golden holds what was looked at and found right."""

import json
from pathlib import Path
from typing import Any

import pytest

from botstate.actions.controls import bind_controls
from botstate.platforms.slack.render import render, render_modal
from botstate.ui import (
    Actions,
    Button,
    Cell,
    Chart,
    Column,
    Component,
    Context,
    Divider,
    Field,
    Fields,
    Header,
    Image,
    Input,
    Markdown,
    Message,
    Modal,
    ModalSelect,
    Option,
    RadioButtons,
    Row,
    Section,
    Select,
    Table,
    TextInput,
    raw,
)
from tests.slack.block_kit import problems_of_message, problems_of_view

pytestmark = pytest.mark.once

GOLDEN = Path(__file__).parent.parent / "data" / "golden"
URL = "https://example.com/a.png"


def handler(thread: Any, event: Any) -> None: ...


def closed(thread: Any, event: Any) -> None: ...


MESSAGES: dict[str, Any] = {
    "text": lambda: "Hello *you*",
    "message": lambda: Message("One ", 2, None, False, True, [Section("b"), ["c", 1.5]], (str(n) for n in range(2))),
    "message_accent": lambda: Message(Section("Done"), accent="#27AE60", on_reaction=handler, once=True),
    "header": lambda: Header("Ticket ", 7),
    "section": lambda: Section("Refund *now*?"),
    "section_with_controls_in_it": lambda: Section("Refund?", Button("Yes", on_click=handler)),
    "markdown": lambda: Markdown("# Title\n\n**bold** [link](https://example.com)"),
    "fields": lambda: Fields(Field("Open", label="Status"), Field("alone"), "plain", Field(label="Empty")),
    "context": lambda: Context("by ", "Ada", Image(URL, alt="Ada"), "today"),
    "actions": lambda: Actions(
        Button("Yes", on_click=handler, value={"ok": True}, style="primary", confirm="Really?"),
        Select(["Ann", ("Bo", 2), Option("Cy", {"id": 3})], on_select=handler, placeholder="Who", allowed_users=["U1"]),
        Input("Comment", on_submit=handler, placeholder="Why?"),
        Button("Docs", url="https://example.com/docs"),
    ),
    "button": lambda: Button("Go", key="go", value="v", style="danger", once=True, allowed_users=["U1"]),
    "button_link": lambda: Button("Docs", url="https://example.com/docs"),
    "select": lambda: Select([Option("High", "h"), Option("Low")], on_select=handler, once=True),
    "select_multi": lambda: Select(["Ann", "Bo"], on_select=handler, multi=True, placeholder="Reviewers"),
    "select_long_values": lambda: Select([("Long", "v" * 500), ("Deep", {"a": [1, 2]})], key="pick"),
    "select_empty": lambda: Select([], on_select=handler, placeholder="Who"),
    "input": lambda: Input("Comment", on_submit=handler),
    "input_multiline": lambda: Input(on_submit=handler, multiline=True, placeholder="Why?"),
    "image": lambda: Image(URL, alt="A cat", title="Cat"),
    "image_without_alt": lambda: Image(URL),
    "divider": Divider,
    "table": lambda: Table(
        Row(Cell("CPK-1"), Cell(14)), Row("CPK-2", 3), Row("only one"), columns=["Issue", Column("Count", "right")]
    ),
    "table_without_columns": lambda: Table(Row("a", "b")),
    "tables": lambda: [Table(Row("a", "b")), Table(Row("c", "d``` |"), columns=["x", "y"])],
    "chart": lambda: Chart("bar", labels=["Mon", "Tue"], series={"new": [3, 4.5], "closed": [1, 0]}, title="Tickets"),
    "chart_pie": lambda: Chart("pie", labels=["yes", "no"], series={"votes": [3, 1]}),
    "raw": lambda: Message(
        raw("slack", {"type": "video", "title": "t"}),
        raw("teams", {"type": "AdaptiveCard"}),
        Actions(Button("Yes", key="yes"), raw("slack", {"type": "datepicker", "action_id": "day"})),
    ),
    "modal_in_a_message": lambda: Modal(Section("Text"), TextInput("why", "Why?"), title="Form"),
    "nothing": lambda: Message(None, []),
}
MODALS: dict[str, Any] = {
    "modal": lambda: Modal(
        Section("About this *ticket*"),
        TextInput("title", "Title", placeholder="Short", max_length=80, initial="Refund"),
        TextInput("body", "Details", multiline=True, optional=True),
        ModalSelect("who", "Assignee", [("Ann", {"id": 1}), ("Bo", {"id": 2})], initial={"id": 2}, placeholder="Who"),
        ModalSelect("tags", "Tags", ["a", "b", "c"], multi=True, initial=["a", "c"], optional=True),
        RadioButtons("how", "How", [Option("Now", 1), Option("Later", 2)], initial=1),
        title="File an issue",
        on_submit=handler,
        on_close=closed,
        submit_label="Create",
        close_label="Never mind",
    ),
    "modal_callback_id": lambda: Modal(TextInput("a", "A"), title="T", callback_id="feedback"),
    "modal_degrading": lambda: Modal(
        Markdown("**b**"),
        Table(Row("a", "b")),
        Chart("pie", labels=["yes"], series={"votes": [3]}, title="V"),
        RadioButtons("how", "How", [str(n) for n in range(11)], initial="10"),
        RadioButtons("none", "None", []),
        title="A title of more than 24 characters",
        key="form",
    ),
    "modal_empty": lambda: Modal(title="", on_close=closed),
}


def nodes_of(make: Any) -> Any:
    return bind_controls(Component("Card", make)()).nodes


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_renders_as_its_golden(name: str) -> None:
    message = render(nodes_of(MESSAGES[name]))
    assert message == golden(name)
    if name != "raw":
        assert problems_of_message(message) == []


@pytest.mark.parametrize("name", MODALS)
def test_a_modal_renders_as_its_golden(name: str) -> None:
    (node,) = nodes_of(MODALS[name])
    view = render_modal(node)
    assert view == golden(name)
    assert problems_of_view(view) == []


def test_every_golden_is_rendered() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*MESSAGES, *MODALS}


def test_rendering_changes_nothing_in_the_nodes() -> None:
    nodes = nodes_of(MESSAGES["raw"])
    before = json.dumps(nodes)
    first = render(nodes)
    assert render(nodes) == first
    assert json.dumps(nodes) == before
