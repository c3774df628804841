"""A card with every kind of control, whose ids are minted in other processes too."""

from typing import Any

from botstate import bind
from botstate.actions.controls import bind_controls
from botstate.ui import Actions, Button, Component, Input, Message, Modal, Node, Select


def card(props: Any) -> Node:
    """Return one control of every kind."""
    return Message(
        Actions(
            Button("Go", on_click=bind(handler, {"z": 1, "a": 2})),
            Select(["a", ("b", {"y": 1, "x": 2})], on_select=handler),
            Input("Say", on_submit=handler),
        ),
        Modal(title="Form", on_submit=handler, on_close=handler),
        on_reaction=handler,
    )


def handler(thread: Any, event: Any, **args: Any) -> None: ...


def ids_of_a_card() -> list[str]:
    props = {"b": 1, "a": {"d": [2.5, None], "c": "é"}}
    return [control.action_id for control in bind_controls(Component("Card", card)(props=props)).controls]
