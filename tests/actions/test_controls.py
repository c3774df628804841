"""From what is posted to its controls."""

import datetime
from typing import Any

import pytest

from botstate import bind
from botstate.actions.controls import bind_controls
from botstate.exceptions import ActionError, NotSerializable
from botstate.ui import Actions, Button, Component, Message, Modal, Node, RadioButtons, Section, TextInput

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


def test_every_handler_of_every_kind_of_node_has_an_id() -> None:
    nodes = [
        Node("message", {"onReaction": approve, "children": ["any text"]}),
        Node("select", {"onSelect": approve, "placeholder": "Who", "options": [{"label": "Ann", "value": {"id": 1}}]}),
        Node("input", {"onSubmit": approve, "children": ["Comment"]}),
        Node("modal", {"onSubmit": approve, "onClose": approve, "title": "Form"}, key="form"),
    ]
    controls = bind_controls(Component("Card", lambda: nodes)()).controls
    assert len({control.action_id for control in controls}) == 5
    assert [(control.path, control.identity) for control in controls] == [
        ((0, "onReaction"), {"kind": "message", "label": "", "handler": f"{__name__}.approve"}),
        ((1, "onSelect"), {"kind": "select", "label": "Who", "handler": f"{__name__}.approve"}),
        ((2, "onSubmit"), {"kind": "input", "label": "Comment", "handler": f"{__name__}.approve"}),
        ((3, "onSubmit"), {"key": "form"}),
        ((3, "onClose"), {"key": "form", "event": "onClose"}),
    ]
    assert controls[1].value_text == '[{"id":1}]'


def test_a_key_without_a_handler_is_a_control_of_on_interaction() -> None:
    nodes = [Node(kind, key=kind) for kind in ("button", "select", "input", "modal", "section")]
    controls = bind_controls(nodes).controls
    assert [(control.action_id, control.handler) for control in controls] == [
        ("button", None),
        ("select", None),
        ("input", None),
        ("modal", None),
    ]


def test_a_modal_keeps_the_values_of_its_options() -> None:
    fields = [
        Node("modal_select", {"id": "who", "options": [{"label": "Ann", "value": 1}, {"label": "Bo", "value": [2]}]}),
        Node(
            "section", {"children": [Node("modal_radio", {"id": "how", "options": [{"label": "Now", "value": "n"}]})]}
        ),
        Node("modal_text_input", {"id": "why"}),
    ]
    (control,) = bind_controls(Node("modal", {"onSubmit": approve, "children": fields})).controls
    assert control.value_text == '{"who":[1,[2]],"how":["n"]}'


def test_two_fields_of_one_name_are_refused() -> None:
    modal = Modal(TextInput("a", "A"), Section(RadioButtons("a", "B", ["c"])), title="T", on_submit=approve)
    with pytest.raises(ActionError, match="field name 'a'"):
        bind_controls(modal)


def test_who_may_and_whether_the_message_is_good_for_one_use_are_kept() -> None:
    button = Node("button", {"onClick": approve, "allowedUsers": ["U1", "U2"], "once": True})
    message = Node("message", {"once": True, "onReaction": approve, "children": [Actions(button)]})
    reaction, grouped = bind_controls(message).controls
    assert (grouped.allowed_users, grouped.group_once, grouped.once) == (("U1", "U2"), True, True)
    # A reaction is no control of the message: anybody may react, as often as they like.
    assert (reaction.allowed_users, reaction.group_once, reaction.once) == ((), False, False)
    assert bind_controls(button).controls[0].group_once is False


def test_a_key_that_is_an_id_holds_no_nul() -> None:
    with pytest.raises(ActionError, match=r"key 'a\\x00' of a control without a handler holds U\+0000"):
        bind_controls(Actions(Button("Go", key="a\x00")))
    assert bind_controls(Actions(Button("Go", key="a\x00", on_click=approve))).controls[0].action_id.startswith("ck:")


def test_an_inline_control_has_an_id_of_all_that_it_does() -> None:
    def other(thread: Any, click: Any) -> None: ...

    buttons = [
        Button("Go", on_click=approve),
        Button("Stop", on_click=approve),
        Button("Go", on_click=other),
        Button("Go", on_click=approve, value=1),
        Button("Go", on_click=approve, value=1.0),
        Button("Go", on_click=bind(approve, 2**53)),
        Button("Go", on_click=bind(approve, 2**53 + 1)),
        Button("Go", on_click=bind(approve, None)),
        Button("Go", on_click=approve, key="go"),
        Button("Go", on_click=other, key="go"),
    ]
    ids = [bind_controls(Actions(button)).controls[0].action_id for button in buttons]
    assert len(set(ids)) == len(buttons)
    assert bind_controls(Actions(Button("Go", on_click=approve))).controls[0].action_id == ids[0]


def test_the_digest_of_a_control_covers_what_a_use_of_it_depends_on() -> None:
    changes: list[dict[str, Any]] = [{}, {"value": 1}, {"value": 1.0}, {"allowed_users": ["U1"]}, {"once": True}]
    digests = [bind_controls(Button("Go", key="go", **change)).controls[0].content for change in changes]
    digests.append(bind_controls(Message(Button("Go", key="go"), once=True)).controls[0].content)
    assert len(set(digests)) == len(digests)
    assert {len(digest) for digest in digests} == {32}
    assert bind_controls(Button("Went", key="go")).controls[0].content == digests[0], "a label is only read"


def refund(ticket: int, key: str | None = "approve") -> Any:
    return Message(
        Section(f"Refund ticket {ticket}?"),
        Actions(Button("Approve", on_click=approve, key=key, value=ticket)),
        on_reaction=approve,
    )


def two_of_one_key() -> Any:
    return Actions(Button("A", on_click=approve, key="k"), Button("B", on_click=approve, key="k"))


def test_two_components_of_one_message_may_have_the_same_keys() -> None:
    card = Component("Card", refund)
    controls = bind_controls([card(ticket=7), card(ticket=8), Actions(Button("Go", on_click=approve, key="approve"))])
    clicked = [control for control in controls.controls if control.event == "onClick"]
    assert [control.value_text for control in clicked] == ["7", "8", "null"]
    assert len({control.action_id for control in controls.controls}) == 5


@pytest.mark.parametrize("key", [None, "approve"])
def test_components_of_equal_props_have_one_control(key: str | None) -> None:
    card = Component("Card", refund)
    bound = bind_controls([card(ticket=7, key=key), card(ticket=7, key=key)])
    reaction, control = bound.controls
    assert [reaction.event, control.event] == ["onReaction", "onClick"]
    shown = [node["props"]["children"][1]["props"]["children"][0]["props"]["onClick"] for node in bound.nodes]
    assert shown == [{"id": control.action_id}] * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda card: two_of_one_key(),
        lambda card: Component("Two", two_of_one_key)(),
        lambda card: [card(), Actions(Button("Go", key="k"))],
        lambda card: [card(), card()],
        lambda card: Actions(Component("Bare", lambda: Button("Go", on_click=approve))() for _ in range(2)),
        lambda card: [Component("Card", refund)(ticket=1), Component("Card", refund)(ticket=1.0)],
        lambda card: [Component("Card", refund)(ticket=1), Message(Component("Card", refund)(ticket=1), once=True)],
    ],
    ids=["inline", "in one component", "a key that is an id", "the same", "in one row", "ids alone equal", "once"],
)
def test_what_could_not_be_told_apart_is_refused(make: Any) -> None:
    with pytest.raises(ActionError, match="two controls of one"):
        bind_controls(make(Component("Keyed", lambda: Actions(Button("Go", key="k")))))
