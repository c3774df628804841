"""Nodes, components, rendering."""

import pytest

from botstate.ui import Actions, Button, Component, Header, Message, Node, Section, render_to_ir
from botstate.ui.nodes import text_of

pytestmark = pytest.mark.once


def test_children_may_be_text_numbers_nothing_lists_and_generators() -> None:
    tree = render_to_ir(Message("a", 1, None, False, True, [Section("b"), ["c"]], (str(n) for n in range(2))))
    assert [(node.type, node.props.get("value")) for node in tree[0].props["children"]] == [
        ("text", "a"),
        ("text", "1"),
        ("section", None),
        ("text", "c"),
        ("text", "0"),
        ("text", "1"),
    ]


def test_a_generator_can_be_rendered_twice() -> None:
    message = Message(str(n) for n in range(3))
    assert render_to_ir(message) == render_to_ir(message)


@pytest.mark.parametrize("child", [{"a": 1}, object(), b"bytes", {1, 2}])
def test_a_child_that_cannot_be_shown_is_a_type_error_at_the_call(child: object) -> None:
    with pytest.raises(TypeError, match=type(child).__name__):
        Section(child)


def test_an_unknown_argument_is_a_type_error_at_the_call() -> None:
    with pytest.raises(TypeError, match="on_clik"):
        Button("x", on_clik=print)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "error", "names"),
    [
        ({"on_click": "approve"}, TypeError, "on_click"),
        ({"style": "loud"}, ValueError, "style"),
        ({"key": ""}, ValueError, "1 to 200"),
        ({"key": "k" * 201}, ValueError, "1 to 200"),
    ],
)
def test_a_bad_button_argument_is_named(arguments: dict[str, object], error: type[Exception], names: str) -> None:
    with pytest.raises(error, match=names):
        Button("x", **arguments)  # type: ignore[arg-type]


def test_a_component_takes_its_props_by_name_and_keeps_defaults() -> None:
    def card(title: str, size: int = 2) -> Node:
        return Header(title * size)

    element = Component("card", card)("a")
    assert element.props == {"title": "a", "size": 2}
    assert text_of(render_to_ir(element)[0].props["children"]) == "aa"


def test_a_component_refuses_unknown_props_and_nameless_ones() -> None:
    def named(title: str) -> Node:
        return Header(title)

    def nameless(*titles: str) -> Node:
        return Header(*titles)

    with pytest.raises(TypeError, match="colour"):
        Component("card", named)(title="a", colour="red")
    with pytest.raises(TypeError, match="titles"):
        Component("card", nameless)("a")


def test_components_nest() -> None:
    inner = Component("inner", lambda word: Button(word, key=word))
    outer = Component("outer", lambda word: Message(Actions(inner(word), inner(f"{word}!"))))
    buttons = render_to_ir(outer("hi"))[0].props["children"][0].props["children"]
    assert [(button.type, button.key) for button in buttons] == [("button", "hi"), ("button", "hi!")]
