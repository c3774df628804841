"""What is used: buttons, selects, inputs. Their handlers survive restarts when they stand in a component."""

from collections.abc import Sequence
from typing import Any, Literal

from botstate.types import Json
from botstate.ui.arguments import (
    listed_options,
    listed_users,
    require_flag,
    require_handler,
    require_key,
    require_one_of,
    require_optional_text,
    require_text,
)
from botstate.ui.nodes import Handler, Node, make_node

ButtonStyle = Literal["primary", "danger"]
_LABEL = object()


def Button(
    *children: Any,
    on_click: Handler | None = None,
    value: Json = None,
    url: str | None = None,
    style: ButtonStyle | None = None,
    key: str | None = None,
    once: bool = False,
    confirm: str | None = None,
    allowed_users: Sequence[str] | None = None,
) -> Node:
    """A button; its children are its label.

    on_click: called as handler(thread, click). value: JSON, the click's `value`. url: opened by the click, which then
    runs no handler. key: names the control, so that it survives a changed layout; without an on_click it is the id that
    `bot.on_interaction` gets. once: only the first click of a posted message counts. confirm: a question to ask first.
    allowed_users: who alone may click it, 1 to 100 user ids.
    """
    require_handler("on_click", on_click)
    require_flag("once", once)
    props = {
        "onClick": on_click,
        "value": value,
        "url": require_optional_text("url", url),
        "style": None if style is None else require_one_of("style", style, ("primary", "danger")),
        "confirm": require_optional_text("confirm", confirm),
        "once": once or None,
        "allowedUsers": listed_users(allowed_users),
    }
    return make_node("button", children, props, require_key("key", key))


def Option(label: str, value: Any = _LABEL) -> dict[str, Json]:
    """One of the options of a Select, ModalSelect or RadioButtons.

    label: what people read. value: JSON of any length, what the handler gets; the label where none is given.
    """
    plain = require_text("label", label)
    return {"label": plain, "value": plain if value is _LABEL else value}


def Select(
    options: Sequence[Any],
    *,
    on_select: Handler | None = None,
    multi: bool = False,
    placeholder: str | None = None,
    key: str | None = None,
    once: bool = False,
    allowed_users: Sequence[str] | None = None,
) -> Node:
    """A menu.

    options: `Option(label, value)`, (label, value) pairs, or text. on_select: called as handler(thread, click), where
    `click.value` is the chosen option's value as it was posted; a list of these with multi. placeholder: what it shows
    while nothing is chosen. key, once, allowed_users: as of a Button.
    """
    require_handler("on_select", on_select)
    require_flag("multi", multi)
    require_flag("once", once)
    props = {
        "onSelect": on_select,
        "options": listed_options(options),
        "multi": multi or None,
        "placeholder": require_optional_text("placeholder", placeholder),
        "once": once or None,
        "allowedUsers": listed_users(allowed_users),
    }
    return Node("select", {name: prop for name, prop in props.items() if prop is not None}, require_key("key", key))


def Input(
    *children: Any,
    on_submit: Handler | None = None,
    multiline: bool = False,
    placeholder: str | None = None,
    key: str | None = None,
    once: bool = False,
    allowed_users: Sequence[str] | None = None,
) -> Node:
    """A line to type in, or several; its children are its label. Pressing Enter submits it from within the message.

    on_submit: called as handler(thread, click), where `click.value` is the text. key, once, allowed_users: as of a
    Button.
    """
    require_handler("on_submit", on_submit)
    require_flag("multiline", multiline)
    require_flag("once", once)
    props = {
        "onSubmit": on_submit,
        "multiline": multiline or None,
        "placeholder": require_optional_text("placeholder", placeholder),
        "once": once or None,
        "allowedUsers": listed_users(allowed_users),
    }
    return make_node("input", children, props, require_key("key", key))
