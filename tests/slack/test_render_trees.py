"""Whatever is built of the nodes can be rendered, and Slack would take it."""

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botstate.actions.controls import bind_controls
from botstate.platforms.slack.render import render, render_modal
from botstate.ui import (
    Actions,
    Button,
    Cell,
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
    Node,
    RadioButtons,
    Row,
    Section,
    Select,
    Table,
    TextInput,
    raw,
    render_to_ir,
)
from tests.slack.block_kit import problems_of_message, problems_of_view

pytestmark = pytest.mark.once


def handler(thread: Any, event: Any) -> None: ...


LENGTHS = st.sampled_from([1, 80, 160, 1_000, 3_001, 12_001])
TEXT = st.text(max_size=8) | st.builds(str.__mul__, st.sampled_from(["x", "é", " ", "```"]), LENGTHS)
OPTIONS = st.sampled_from([0, 1, 11, 101]).map(lambda count: [(str(number), {"n": number}) for number in range(count)])
URLS = st.builds("https://e.com/".ljust, LENGTHS, st.just("x"))
FLAG = st.booleans()
HANDLER = st.sampled_from([None, handler])
LEAVES = st.one_of(
    TEXT,
    st.none(),
    FLAG,
    st.integers(),
    st.floats(),
    st.just(Divider()),
    st.builds(Image, URLS, alt=TEXT, title=TEXT),
    st.builds(
        Button,
        TEXT,
        on_click=HANDLER,
        value=st.none() | TEXT | st.builds(lambda text: {"a": text}, TEXT),
        url=st.none() | st.just("") | URLS,
        style=st.sampled_from([None, "danger"]),
        confirm=st.none() | TEXT,
        once=FLAG,
    ),
    st.builds(Select, OPTIONS, on_select=HANDLER, multi=FLAG, placeholder=st.none() | TEXT),
    st.builds(Input, TEXT, on_submit=HANDLER, multiline=FLAG, placeholder=st.none() | TEXT),
    st.builds(
        lambda labels, kind, title: Chart(kind, labels=labels, series={"s": [1.5] * len(labels)}, title=title),
        st.lists(TEXT, max_size=3),
        st.sampled_from(["bar", "line", "pie"]),
        TEXT,
    ),
    st.just(raw("teams", {"type": "AdaptiveCard"})),
    st.builds(Node, st.text(string.ascii_lowercase, min_size=1)),
)
LETTERS = st.text(string.ascii_lowercase, min_size=1, max_size=300)
FIELDS = st.one_of(
    st.builds(TextInput, st.just("t"), TEXT, multiline=FLAG, optional=FLAG, initial=TEXT, placeholder=TEXT),
    st.builds(ModalSelect, st.just("s"), TEXT, OPTIONS, multi=FLAG, placeholder=TEXT),
    st.builds(RadioButtons, st.just("r"), TEXT, OPTIONS, optional=FLAG),
)
MAKERS = [
    Message,
    Header,
    Section,
    Markdown,
    Fields,
    lambda *children: Field(*children, label="Label"),
    Context,
    Actions,
    lambda *children: Table(*children, columns=["a", "b"]),
    Row,
    Cell,
    lambda *children: Modal(*children, title="Title"),
    lambda *children: Node("unknown", {"children": list(children)}),
    lambda *children: list(children),
    lambda *children: list(children) * 30,
]
TREES = st.recursive(
    LEAVES | FIELDS,
    lambda inner: st.builds(
        lambda make, children: make(*children), st.sampled_from(MAKERS), st.lists(inner, max_size=4)
    ),
    max_leaves=10,
)
FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def without_field_names(nodes: Any) -> Any:
    """Number the fields of a modal, so that no two have one name."""
    numbers = iter(range(100_000))

    def renamed(node: Any) -> Any:
        props = dict(node["props"])
        if node["type"] in ("modal_text_input", "modal_select", "modal_radio"):
            props["id"] = f"f{next(numbers)}"
        props["children"] = [renamed(child) for child in props.get("children", [])]
        return {**node, "props": props}

    return [renamed(node) for node in nodes]


@FAST
@given(TREES)
def test_a_message_of_any_tree_is_one_that_slack_takes(ui: Any) -> None:
    assert problems_of_message(render(bind_controls(_shown(ui)).nodes)) == []


@FAST
@given(st.lists(TREES, max_size=3), TEXT, LETTERS)
def test_a_modal_of_any_tree_is_one_that_slack_takes(children: Any, title: str, name: str) -> None:
    modal = Modal(title=title, submit_label=title, close_label=title, key=name[:200], on_close=handler)
    (node,) = bind_controls(modal).nodes
    # Fields of one name are refused when they are bound, so they are added to the modal after that.
    node["props"]["children"] = without_field_names(bind_controls(children).nodes)
    assert problems_of_view(render_modal(node)) == []


@FAST
@given(TREES)
def test_expanding_a_tree_is_pure(ui: Any) -> None:
    shown = _shown(ui)
    assert repr(render_to_ir(shown)) == repr(render_to_ir(shown))


def _shown(ui: Any) -> Any:
    """Nothing else but a node, text or a list of these can be posted."""
    return "" if isinstance(ui, bool) else ui


def test_what_is_nested_too_deeply_leaves_an_ellipsis() -> None:
    ui: Any = "bottom"
    for _ in range(300):
        ui = Section(ui)
    assert problems_of_message(render(bind_controls(ui).nodes)) == []
    assert "…" in repr(render_to_ir(ui))


def test_a_number_that_python_does_not_write_out_is_an_ellipsis() -> None:
    assert render_to_ir(Section(10**5_000)) == render_to_ir(Section("…"))


def test_unknown_things_vanish() -> None:
    assert render_to_ir([object(), {"a": 1}, Section("a"), None, b"x"]) == render_to_ir([Section("a")])
