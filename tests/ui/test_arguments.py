"""What components are called with: a bad argument is named at the call, with its bound."""

from typing import Any

import pytest

from botstate.exceptions import NotSerializable
from botstate.ui import (
    Button,
    Cell,
    Chart,
    Column,
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

pytestmark = pytest.mark.once

LABELS: Any = {"labels": ["a"], "series": {"s": [1]}}


@pytest.mark.parametrize(
    ("make", "given"),
    [
        *[(make, ()) for make in (Message, Header, Section, Markdown, Fields, Field, Context, Divider, Button, Input)],
        *[(make, ()) for make in (Table, Row, Cell)],
        (Image, ("https://e.com",)),
        (Select, (["a"],)),
        (Chart, ("bar", ["a"], {"s": [1]})),
        (Modal, ()),
        (TextInput, ("a", "A")),
        (ModalSelect, ("a", "A", ["b"])),
        (RadioButtons, ("a", "A", ["b"])),
        (Option, ("a",)),
        (raw, ("slack", {})),
    ],
)
def test_an_unknown_argument_is_a_type_error_at_the_call(make: Any, given: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="colour"):
        make(*given, colour="red")


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Message(accent="green"), ValueError, "accent must be '#' and 6 hex digits"),
        (lambda: Message(on_reaction="ack"), TypeError, "on_reaction must be callable"),
        (lambda: Message(once=1), TypeError, "once must be True or False"),
        (lambda: Field(label=1), TypeError, "label must be a str"),
        (lambda: Image("javascript:x", alt="a"), ValueError, "url must begin with https://"),
        (lambda: Image("https://e.com", alt=None), TypeError, "alt must be a str"),
        (lambda: Button(once="yes"), TypeError, "once must be True or False"),
        (lambda: Button(url=1), TypeError, "url must be a str"),
        (lambda: Button(allowed_users="U1"), TypeError, "allowed_users must be a list"),
        (lambda: Button(allowed_users=[]), ValueError, "allowed_users must hold 1 to 100"),
        (lambda: Button(allowed_users=["U"] * 101), ValueError, "allowed_users must hold 1 to 100"),
        (lambda: Select("abc"), TypeError, "options must be a list"),
        (lambda: Select([{"a": 1}]), TypeError, "options must be Option"),
        (lambda: Select([(1, 2)]), TypeError, "an option's label must be a str"),
        (lambda: Select([], on_select=1), TypeError, "on_select must be callable"),
        (lambda: Input(multiline=1), TypeError, "multiline must be True or False"),
        (lambda: Input(key="k" * 201), ValueError, "key must be a str of 1 to 200"),
        (lambda: Table(columns="ab"), TypeError, "columns must be a list"),
        (lambda: Table(columns=[1]), TypeError, "columns must be Column"),
        (lambda: Column("a", "middle"), ValueError, "align must be 'left' or 'center' or 'right'"),
        (lambda: Chart("cake", **LABELS), ValueError, "kind must be 'line' or 'bar' or 'pie'"),
        (lambda: Chart("bar", labels=["a"], series={"s": [1, 2]}), ValueError, "'s' must have 1 numbers"),
        (lambda: Chart("bar", labels=["a"], series={"s": ["1"]}), TypeError, "'s' must be a list of numbers"),
        (lambda: Chart("bar", labels=["a"], series={"s": [float("nan")]}), ValueError, "'s' must have finite"),
        (lambda: Chart("pie", labels=["a"], series={"s": [1], "t": [1]}), ValueError, "series of a pie must be 1"),
        (lambda: Modal(title=None), TypeError, "title must be a str"),
        (lambda: Modal(title="a", callback_id="c", key="k"), TypeError, "callback_id is for"),
        (lambda: Modal(title="a", callback_id="c", on_submit=print), TypeError, "callback_id is for"),
        (lambda: TextInput("", "a"), ValueError, "name must be a str of 1 to 255"),
        (lambda: TextInput("a", "a", max_length=3_001), ValueError, "max_length must be an int of 1 to 3,000"),
        (lambda: TextInput("a", "a", max_length=True), ValueError, "max_length must be an int of 1 to 3,000"),
        (lambda: ModalSelect("a", "a", ["b"], initial="c"), ValueError, "initial must be the value of one"),
        (lambda: ModalSelect("a", "a", [("b", 1)], initial=True), ValueError, "initial must be the value of one"),
        (lambda: ModalSelect("a", "a", ["b"], multi=True, initial="b"), TypeError, "initial must be a list"),
        (lambda: raw(1, {}), TypeError, "platform must be a str"),
        (lambda: raw("slack", {"a": {1}}), NotSerializable, "payload"),
    ],
)
def test_a_bad_argument_is_named(make: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


def test_options_may_be_written_in_three_ways() -> None:
    written = Select(["Low", 2, ("High", {"n": 1}), Option("None", None), Option("Same")]).props["options"]
    assert [(option["label"], option["value"]) for option in written] == [
        ("Low", "Low"),
        ("2", 2),
        ("High", {"n": 1}),
        ("None", None),
        ("Same", "Same"),
    ]


def test_a_payload_is_kept_as_it_was() -> None:
    payload = {"type": "section", "fields": [1]}
    node = raw("slack", payload)
    payload["fields"] = []
    assert node.props["payload"] == {"type": "section", "fields": [1]}
