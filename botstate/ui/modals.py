"""Modals: forms that open over the conversation, and their fields."""

from collections.abc import Sequence
from typing import Any

from botstate.types import Json
from botstate.ui.arguments import (
    MAX_NAME_CHARACTERS,
    listed_options,
    listed_users,
    require_flag,
    require_handler,
    require_key,
    require_name,
    require_optional_text,
    require_text,
)
from botstate.ui.nodes import Handler, Node, make_node

MAX_INPUT_CHARACTERS = 3_000
_UNCHOSEN = object()


def Modal(
    *children: Any,
    title: str,
    on_submit: Handler | None = None,
    on_close: Handler | None = None,
    submit_label: str | None = None,
    close_label: str | None = None,
    key: str | None = None,
    callback_id: str | None = None,
    allowed_users: Sequence[str] | None = None,
) -> Node:
    """A form; its children are TextInput, ModalSelect, RadioButtons, and what a message may have.

    title: Slack shows at most 24 characters of it, as of the two labels. on_submit, on_close: called as handler(thread,
    submission). key: names the modal, so that it survives changes of its code. callback_id: the key of a modal without
    an on_submit, whose submissions `bot.on_modal_submit` gets. allowed_users: who alone may submit it, 1 to 100 ids.
    """
    require_handler("on_submit", on_submit)
    require_handler("on_close", on_close)
    if callback_id is not None and (on_submit is not None or key is not None):
        raise TypeError("callback_id is for a modal without on_submit and key")
    props = {
        "title": require_text("title", title),
        "onSubmit": on_submit,
        "onClose": on_close,
        "submitLabel": require_optional_text("submit_label", submit_label),
        "closeLabel": require_optional_text("close_label", close_label),
        "allowedUsers": listed_users(allowed_users),
    }
    named = require_key("key", key) if callback_id is None else require_name("callback_id", callback_id)
    return make_node("modal", children, props, named)


def TextInput(
    name: str,
    label: str,
    *,
    multiline: bool = False,
    optional: bool = False,
    initial: str | None = None,
    placeholder: str | None = None,
    max_length: int | None = None,
) -> Node:
    """A line to type in, or several, in a Modal.

    name: under which the submission has the text, 1 to 255 characters, unlike that of any other field. initial: what it
    holds at first. max_length: 1 to 3,000 characters.
    """
    require_flag("multiline", multiline)
    if max_length is not None and not (type(max_length) is int and 1 <= max_length <= MAX_INPUT_CHARACTERS):
        raise ValueError(f"max_length must be an int of 1 to {MAX_INPUT_CHARACTERS:,}")
    given = {
        "initialValue": require_optional_text("initial", initial),
        "placeholder": require_optional_text("placeholder", placeholder),
        "maxLength": max_length,
    }
    return _field("modal_text_input", name, label, optional, {"multiline": multiline or None, **given})


def ModalSelect(
    name: str,
    label: str,
    options: Sequence[Any],
    *,
    multi: bool = False,
    optional: bool = False,
    initial: Any = _UNCHOSEN,
    placeholder: str | None = None,
) -> Node:
    """A menu in a Modal; the submission has the chosen option's value as it was posted, a list of these with multi.

    options: as of a Select. initial: the value that is chosen at first; a list of values with multi.
    """
    require_flag("multi", multi)
    listed = listed_options(options)
    if initial is _UNCHOSEN:
        chosen = None
    elif multi:
        if not isinstance(initial, list | tuple):
            raise TypeError(f"initial must be a list of values with multi, not {type(initial).__name__}")
        chosen = [_index_of(value, listed) for value in initial]
    else:
        chosen = [_index_of(initial, listed)]
    props = {
        "options": listed,
        "multi": multi or None,
        "initialOptions": chosen,
        "placeholder": require_optional_text("placeholder", placeholder),
    }
    return _field("modal_select", name, label, optional, props)


def RadioButtons(
    name: str, label: str, options: Sequence[Any], *, initial: Any = _UNCHOSEN, optional: bool = False
) -> Node:
    """Options of a Modal that can all be seen at once; Slack shows more than 10 as a menu.

    options, initial: as of a ModalSelect.
    """
    listed = listed_options(options)
    chosen = None if initial is _UNCHOSEN else [_index_of(initial, listed)]
    return _field("modal_radio", name, label, optional, {"options": listed, "initialOptions": chosen})


def _field(type: str, name: str, label: str, optional: bool, props: dict[str, Any]) -> Node:
    require_text("name", name)
    require_flag("optional", optional)
    named = {"id": require_name("name", name, MAX_NAME_CHARACTERS), "label": require_text("label", label)}
    every = {**named, "optional": optional or None, **props}
    return Node(type, {prop: value for prop, value in every.items() if value is not None})


def _index_of(value: Json, options: list[Json]) -> int:
    """Return which option has this value, in value and in type. Raises ValueError for a value that none has."""
    wanted = str.__str__(value) if isinstance(value, str) else value
    for index, option in enumerate(options):
        if type(option["value"]) is type(wanted) and option["value"] == wanted:
            return index
    raise ValueError("initial must be the value of one of the options")
