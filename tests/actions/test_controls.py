"""From what is posted to its controls."""

import datetime
from typing import Any

import pytest

from botstate import bind
from botstate.actions.controls import bind_controls
from botstate.exceptions import NotSerializable
from botstate.ui import Actions, Button, Component, Message

pytestmark = pytest.mark.once


def approve(thread: Any, click: Any) -> None: ...


@pytest.mark.parametrize("prop", [{1, 2}, datetime.date(2026, 1, 1), (1, 2), float("nan"), {1: "a"}])
def test_props_that_are_not_json_are_named_with_their_component(prop: Any) -> None:
    card = Component("Card", lambda when: Message("x"))
    with pytest.raises(NotSerializable, match="'when' of component Card"):
        bind_controls(card(when=prop))


def test_bound_arguments_and_values_that_are_not_json_are_named() -> None:
    bound = Component("Card", lambda: Actions(Button("Go", on_click=bind(approve, {"at": {1}}))))
    with pytest.raises(NotSerializable, match=r"bound arguments of the control 'Go' of component 'Card'\['at'\]"):
        bind_controls(bound())
    valued = Component("Card", lambda: Actions(Button("Go", on_click=approve, value=(1,))))
    with pytest.raises(NotSerializable, match="value of the control 'Go'"):
        bind_controls(valued())


def test_a_control_is_known_by_its_key_else_by_kind_label_and_handler() -> None:
    card = Component(
        "Card", lambda: Actions(Button("Yes", on_click=approve, key="yes"), Button("No", on_click=approve))
    )
    keyed, unkeyed = bind_controls(card()).controls
    assert keyed.identity == {"key": "yes"}
    assert unkeyed.identity == {"kind": "button", "label": "No", "handler": f"{__name__}.approve"}


def test_two_bindings_of_one_handler_have_ids_of_their_own() -> None:
    def card(to: str) -> Any:
        return Actions(Button("Assign", on_click=bind(approve, {"to": to})), Button("Assign", on_click=approve))

    first = {control.action_id for control in bind_controls(Component("Card", card)(to="a")).controls}
    second = {control.action_id for control in bind_controls(Component("Card", card)(to="b")).controls}
    assert len(first | second) == 4


def test_handlers_become_ids_and_keys_stay() -> None:
    card = Component("Card", lambda: Message(Actions(Button("Yes", on_click=approve, key="yes", once=True))))
    bound = bind_controls(card())
    button = bound.nodes[0]["props"]["children"][0]["props"]["children"][0]
    assert button == {
        "type": "button",
        "key": "yes",
        "props": {
            "onClick": {"id": bound.controls[0].action_id},
            "once": True,
            "children": [{"type": "text", "props": {"value": "Yes"}}],
        },
    }
