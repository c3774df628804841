"""Each of Slack's limits: just kept, exceeded by one, and by far. What is too long is cut where people see it."""

from collections.abc import Callable
from typing import Any

import pytest

from botstate.actions.controls import bind_controls
from botstate.platforms.slack import limits
from botstate.platforms.slack.render import render, render_modal
from botstate.types import Json
from botstate.ui import (
    Actions,
    Button,
    Chart,
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

URL = "https://example.com/a.png"
Read = Callable[[list[Json]], Any]


def handler(thread: Any, event: Any) -> None: ...


def blocks_of(ui: Any) -> list[Json]:
    """Render a message and check it as Slack would."""
    message = render(bind_controls(ui).nodes)
    assert problems_of_message(message) == []
    blocks: list[Json] = message["blocks"]
    return blocks


def view_of(modal: Any) -> dict[str, Json]:
    view = render_modal(bind_controls(modal).nodes[0])
    assert problems_of_view(view) == []
    return view


def first_element(blocks: list[Json]) -> Json:
    return blocks[0]["elements"][0]


TEXTS: dict[str, tuple[int, Callable[[str], Any], Read]] = {
    "header": (150, Header, lambda blocks: blocks[0]["text"]["text"]),
    "section": (3_000, Section, lambda blocks: blocks[0]["text"]["text"]),
    "text": (3_000, Message, lambda blocks: blocks[0]["text"]["text"]),
    "markdown": (12_000, Markdown, lambda blocks: blocks[0]["text"]),
    "field": (2_000, lambda text: Fields(Field(text)), lambda blocks: blocks[0]["fields"][0]["text"]),
    "context": (3_000, Context, lambda blocks: first_element(blocks)["text"]),
    "image alt": (2_000, lambda text: Image(URL, alt=text), lambda blocks: blocks[0]["alt_text"]),
    "image title": (2_000, lambda text: Image(URL, alt="a", title=text), lambda blocks: blocks[0]["title"]["text"]),
    "button": (75, Button, lambda blocks: first_element(blocks)["text"]["text"]),
    "confirm": (
        300,
        lambda text: Button("a", confirm=text),
        lambda blocks: first_element(blocks)["confirm"]["text"]["text"],
    ),
    "option": (75, lambda text: Select([text]), lambda blocks: first_element(blocks)["options"][0]["text"]["text"]),
    "placeholder": (
        150,
        lambda text: Select(["a"], placeholder=text),
        lambda blocks: first_element(blocks)["placeholder"]["text"],
    ),
    "input label": (2_000, Input, lambda blocks: blocks[0]["label"]["text"]),
    "input placeholder": (
        150,
        lambda text: Input("a", placeholder=text),
        lambda blocks: blocks[0]["element"]["placeholder"]["text"],
    ),
    "cell": (2_000, lambda text: Table(Row(text)), lambda blocks: blocks[0]["rows"][0][0]["text"]),
}
MODAL_TEXTS: dict[str, tuple[int, Callable[[str], Any], Callable[[dict[str, Json]], Any]]] = {
    "title": (24, lambda text: Modal(title=text), lambda view: view["title"]["text"]),
    "submit": (24, lambda text: Modal(title="a", submit_label=text), lambda view: view["submit"]["text"]),
    "close": (24, lambda text: Modal(title="a", close_label=text), lambda view: view["close"]["text"]),
    "label": (
        2_000,
        lambda text: Modal(TextInput("a", text), title="a"),
        lambda view: view["blocks"][0]["label"]["text"],
    ),
    "initial": (
        3_000,
        lambda text: Modal(TextInput("a", "a", initial=text), title="a"),
        lambda view: view["blocks"][0]["element"]["initial_value"],
    ),
    "initial with max_length": (
        10,
        lambda text: Modal(TextInput("a", "a", initial=text, max_length=10), title="a"),
        lambda view: view["blocks"][0]["element"]["initial_value"],
    ),
    "option": (
        75,
        lambda text: Modal(RadioButtons("a", "a", [text]), title="a"),
        lambda view: view["blocks"][0]["element"]["options"][0]["text"]["text"],
    ),
    "placeholder": (
        150,
        lambda text: Modal(ModalSelect("a", "a", ["b"], placeholder=text), title="a"),
        lambda view: view["blocks"][0]["element"]["placeholder"]["text"],
    ),
}


def assert_cut(longest: int, read: Callable[[str], str]) -> None:
    text = "x" * longest
    assert read(text) == text
    for longer in (longest + 1, 10 * longest):
        assert read("x" * longer) == "x" * (longest - 1) + "…"


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_text_is_cut(name: str) -> None:
    longest, make, read = TEXTS[name]
    assert_cut(longest, lambda text: read(blocks_of(make(text))))


@pytest.mark.parametrize("name", MODAL_TEXTS)
def test_a_long_text_of_a_modal_is_cut(name: str) -> None:
    longest, make, read = MODAL_TEXTS[name]
    assert_cut(longest, lambda text: read(view_of(make(text))))


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_spaces_is_no_text(name: str) -> None:
    blocks_of(TEXTS[name][1]("  "))


@pytest.mark.parametrize("name", MODAL_TEXTS)
def test_a_modals_text_of_spaces_is_no_text(name: str) -> None:
    view_of(MODAL_TEXTS[name][1](" "))


def buttons(count: int) -> list[Any]:
    return [Button(str(number)) for number in range(count)]


@pytest.mark.parametrize(
    ("make", "part", "longest"),
    [
        (lambda count: Actions(buttons(count)), "elements", 25),
        (lambda count: Fields(Field(str(number)) for number in range(count)), "fields", 10),
        (lambda count: Context(Image(URL, alt="a") for _ in range(count)), "elements", 10),
    ],
    ids=["actions", "fields", "context"],
)
def test_more_parts_than_a_block_takes_are_split_over_several(make: Any, part: str, longest: int) -> None:
    for count, lengths in [
        (longest, [longest]),
        (longest + 1, [longest, 1]),
        (10 * longest + 3, [longest] * 10 + [3]),
    ]:
        assert [len(block[part]) for block in blocks_of(make(count))] == lengths


@pytest.mark.parametrize("count", [50, 51, 500])
def test_more_blocks_than_a_message_takes_are_said_to_be_left_out(count: int) -> None:
    blocks = blocks_of(Message(Divider() for _ in range(count)))
    assert len(blocks) == 50
    assert (blocks[-1] == {"type": "divider"}) == (count == 50)
    if count > 50:
        assert blocks[-1]["text"]["text"] == f"… {count - 49} more blocks"


@pytest.mark.parametrize("count", [100, 101, 1_000])
def test_more_blocks_than_a_modal_takes_are_said_to_be_left_out(count: int) -> None:
    blocks = view_of(Modal([Divider() for _ in range(count)], title="a"))["blocks"]
    assert len(blocks) == 100
    if count > 100:
        assert blocks[-1]["text"]["text"] == f"… {count - 99} more blocks"


def test_more_options_than_a_list_takes_are_grouped() -> None:
    options = [f"option {number}" for number in range(250)]
    assert len(first_element(blocks_of(Select(options[:100])))["options"]) == 100
    groups = first_element(blocks_of(Select(options[:101])))["option_groups"]
    assert [(group["label"]["text"], len(group["options"])) for group in groups] == [("1–100", 100), ("101–101", 1)]
    groups = first_element(blocks_of(Select(options)))["option_groups"]
    assert [option["value"] for group in groups for option in group["options"]] == [str(n) for n in range(250)]


def test_what_is_left_out_even_of_groups_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_OPTION_GROUPS", 2)
    groups = blocks_of(Select([str(number) for number in range(203)], multi=True))[0]["accessory"]["option_groups"]
    assert [group["label"]["text"] for group in groups] == ["1–100", "101–200 (… 3 more)"]


def test_more_radio_buttons_than_slack_takes_are_a_menu() -> None:
    def kind(count: int) -> str:
        options = [str(number) for number in range(count)]
        blocks = view_of(Modal(RadioButtons("a", "a", options, initial=options[-1]), title="a"))["blocks"]
        return str(blocks[0]["element"]["type"])

    assert [kind(count) for count in (10, 11, 150)] == ["radio_buttons", "static_select", "static_select"]


@pytest.mark.parametrize(("length", "carried"), [(2_000, True), (2_001, False), (50_000, False)])
def test_a_value_that_is_too_long_for_slack_stays_at_home(length: int, carried: bool) -> None:
    element = first_element(blocks_of(Button("x", on_click=handler, value="v" * length)))
    assert ("value" in element) == carried


@pytest.mark.parametrize("length", [3_001, 30_000])
def test_an_address_that_is_too_long_is_said_to_be(length: int) -> None:
    url = "https://example.com/".ljust(3_000, "x")
    assert blocks_of(Button("Docs", url=url))[0]["elements"][0]["url"] == url
    assert blocks_of(Image(url, alt="A cat"))[0]["image_url"] == url
    longer = url.ljust(length, "x")
    assert blocks_of(Button("Docs", url=longer))[0]["text"]["text"] == "Docs … (its address is too long)"
    assert blocks_of(Image(longer, alt="A cat"))[0]["text"]["text"] == "A cat … (its address is too long)"
    assert blocks_of(Context("a", Image(longer, alt="A cat")))[1]["text"]["text"] == "A cat … (its address is too long)"


@pytest.mark.parametrize(("count", "last"), [(100, "99"), (101, "… 2 more rows"), (1_000, "… 901 more rows")])
def test_more_rows_than_a_table_takes_are_said_to_be_left_out(count: int, last: str) -> None:
    rows = blocks_of(Table(Row(number, "x") for number in range(count)))[0]["rows"]
    assert len(rows) == 100
    assert rows[-1][0]["text"] == last


@pytest.mark.parametrize(("count", "last"), [(20, "19"), (21, "… 2 more columns"), (200, "… 181 more columns")])
def test_more_columns_than_a_table_takes_are_said_to_be_left_out(count: int, last: str) -> None:
    table = Table(Row(range_of(count)), Row("a"), columns=[str(number) for number in range(count)])
    header, first, second = blocks_of(table)[0]["rows"]
    assert len(header) == len(first) == len(second) == 20
    assert header[-1]["text"] == last


def range_of(count: int) -> list[int]:
    return list(range(count))


def test_a_table_of_too_many_characters_has_shorter_cells() -> None:
    def longest_cell(length: int) -> int:
        rows = blocks_of(Table(Row("x" * length for _ in range(20)) for _ in range(100)))[0]["rows"]
        return max(len(cell["text"]) for row in rows for cell in row)

    assert [longest_cell(length) for length in (4, 5, 6, 1_000)] == [4, 5, 5, 5]


def test_a_second_table_is_text() -> None:
    blocks = blocks_of([Table(Row("a")), Chart("pie", labels=["b"], series={"c": [1]}), Table(Row("x" * 5_000))])
    assert [block["type"] for block in blocks] == ["table", "section", "section"]
    assert len(blocks[2]["text"]["text"]) == 3_000
    assert blocks[2]["text"]["text"].endswith("…\n```")


def test_all_markdown_of_a_message_shares_one_limit() -> None:
    blocks = blocks_of(Message(Markdown("x" * 11_000), Markdown("y" * 2_000), Markdown("z"), Button("Go", key="go")))
    assert [block["type"] for block in blocks] == ["markdown", "markdown", "section", "actions"]
    assert blocks[1]["text"].endswith("…")
    assert blocks[2]["text"]["text"] == "…"


def test_a_message_that_is_too_long_as_a_whole_loses_the_end_of_its_texts_and_no_control() -> None:
    ui = Message([Section("x" * 3_000) for _ in range(10)], Actions(Button("Go", key="go")))
    blocks = blocks_of(ui)
    assert [block["type"] for block in blocks] == ["section"] * 10 + ["actions"]
    assert [len(block["text"]["text"]) for block in blocks[:-1]] == [3_000, 3_000, 3_000, 2_494, 1, 1, 1, 1, 1, 1]


def test_your_own_blocks_are_yours() -> None:
    own = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 20_000}}
    assert render(bind_controls([raw("slack", own), Section("a")]).nodes)["blocks"][0] == own


def test_the_text_of_a_notification_is_cut() -> None:
    assert len(render(bind_controls(Markdown("x" * 9_000)).nodes)["text"]) == 3_000
