"""Children and posts in any shape: nested lists, generators, deep trees, and trees without an end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botstate.actions.controls import bind_controls
from botstate.exceptions import NotSerializable
from botstate.platforms.slack.render import render
from botstate.ui import Actions, Button, Component, Section, render_to_ir
from botstate.ui.nodes import MAX_NODES

pytestmark = pytest.mark.once


def sections(*words: str) -> Iterator[Any]:
    return (Section(word) for word in words)


def deep(levels: int, around: Callable[[Any], Any]) -> Any:
    ui: Any = "x"
    for _ in range(levels):
        ui = around(ui)
    return ui


def shared(levels: int, innermost: Any) -> Any:
    """Return a tree of 2 ** levels leaves that takes no room."""
    for _ in range(levels):
        innermost = [innermost, innermost]
    return innermost


def endless() -> list[Any]:
    ui: list[Any] = []
    ui += [ui, ui]
    return ui


def words(ui: Any) -> list[str]:
    nodes = bind_controls(ui).nodes
    return ["".join(child["props"]["value"] for child in node["props"]["children"]) for node in nodes]


@pytest.mark.parametrize("debug", [False, True])
def test_what_is_posted_may_hold_generators(settings: Any, *, debug: bool) -> None:
    settings.DEBUG = debug
    assert words(sections("a", "b")) == ["a", "b"]
    assert words([Section("a"), sections("b", "c"), [None, (sections("d"), False)]]) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("debug", [False, True])
def test_what_a_component_returns_may_hold_generators(settings: Any, *, debug: bool) -> None:
    settings.DEBUG = debug
    card = Component("Card", lambda: [Section("a"), [sections("b")], (Section(word) for word in "cd")])
    assert words(card()) == ["a", "b", "c", "d"]
    assert words([sections("z"), card()]) == ["z", "a", "b", "c", "d"]


def test_a_control_keeps_its_path_in_whatever_lists_it_stands() -> None:
    def button() -> Any:
        return Actions(Button("Go", on_click=print))

    flat = Component("Card", lambda: [Section("a"), Section("b"), button()])
    nested = Component("Card", lambda: [None, [Section("a"), sections("b")], (part for part in [[button()]])])
    assert (
        bind_controls(flat()).controls[0].path
        == bind_controls(nested()).controls[0].path
        == (
            2,
            "children",
            0,
            "onClick",
        )
    )


def test_what_cannot_be_shown_is_named_in_any_list() -> None:
    with pytest.raises(TypeError, match="dict cannot be shown"):
        bind_controls([Section("a"), (part for part in [{}])])
    with pytest.raises(TypeError, match="component Card must be called"):
        bind_controls([[Component("Card", lambda: None)]])


@pytest.mark.parametrize("wrap", [lambda ui: [ui], lambda ui: (part for part in [ui])], ids=["list", "generator"])
def test_lists_may_be_nested_as_deep_as_they_like(wrap: Callable[[Any], Any]) -> None:
    assert Section(deep(2_000, wrap)) == Section("x")
    assert bind_controls(deep(2_000, wrap)).nodes == bind_controls("x").nodes


def test_nodes_that_are_nested_too_deep_are_left_out() -> None:
    nodes = bind_controls(deep(1_000, Section)).nodes
    for _ in range(51):
        (node,) = nodes
        nodes = node["props"]["children"]
    assert nodes == [{"type": "text", "props": {"value": "…"}}]
    assert render(bind_controls(deep(1_000, Section)).nodes)["text"] == "…"


def test_a_prop_that_is_nested_too_deep_is_named() -> None:
    card = Component("Card", lambda rows: Section("a"))
    element = card(rows=deep(2_000, lambda ui: [ui]))
    with pytest.raises(NotSerializable, match="'rows' of component Card"):
        bind_controls(element)


@pytest.mark.parametrize("make", [Section, render_to_ir, bind_controls])
@pytest.mark.parametrize("ui", [shared(40, "x"), shared(40, []), endless()], ids=["text", "nothing", "endless"])
def test_a_tree_of_far_too_much_is_refused(make: Callable[[Any], Any], ui: Any) -> None:
    with pytest.raises(ValueError, match="more than 100,000 nodes"):
        make(ui)


def test_nodes_of_far_too_much_are_refused() -> None:
    ui: Any = Section("x")
    for _ in range(40):
        ui = Section(ui, ui)
    for make in (render_to_ir, bind_controls):
        with pytest.raises(ValueError, match="more than 100,000 nodes"):
            make(ui)


def test_a_long_list_is_taken() -> None:
    assert len(render_to_ir([Section("x")] * 10_000)) == 10_000 < MAX_NODES
