"""Interactive elements: buttons, menus, lines to type in."""

from typing import Any

from slack_sdk.models.blocks import (
    ButtonElement,
    ConfirmObject,
    InputBlock,
    Option,
    OptionGroup,
    PlainTextInputElement,
    PlainTextObject,
    StaticMultiSelectElement,
    StaticSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig

from botstate import exact_json
from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import ELLIPSIS
from botstate.platforms.slack.render.texts import as_text, marked_up, optional_plain, own_text, plain
from botstate.types import Json

BUTTON_STYLES = ("primary", "danger")


def button(node: Json) -> ButtonElement:
    """Return a button; its URL must not be too long."""
    props = node["props"]
    style = props.get("style")
    return ButtonElement(
        text=plain(own_text(node), limits.MAX_BUTTON_LABEL_CHARACTERS),
        action_id=action_id(node, "onClick"),
        value=_wire_value(props.get("value")),
        url=as_text(props.get("url")) or None,
        style=style if style in BUTTON_STYLES else None,
        confirm=_confirm(as_text(props["confirm"])) if props.get("confirm") is not None else None,
    )


def select(node: Json) -> StaticSelectElement | StaticMultiSelectElement:
    """Return a menu; it must have options."""
    return menu(node["props"], action_id(node, "onSelect"))


def menu(props: Json, name: str | None) -> StaticSelectElement | StaticMultiSelectElement:
    """Return a menu of `props["options"]`, in groups where there are more than Slack takes in one list."""
    placeholder = optional_plain(props.get("placeholder"), limits.MAX_PLACEHOLDER_CHARACTERS)
    listed = options(props)
    chosen = chosen_options(props, listed)
    choices: dict[str, Any] = {"options": listed}
    if len(listed) > limits.MAX_OPTIONS:
        choices = {"option_groups": _groups(listed)}
    if props.get("multi"):
        return StaticMultiSelectElement(
            action_id=name, placeholder=placeholder, initial_options=chosen or None, **choices
        )
    return StaticSelectElement(
        action_id=name, placeholder=placeholder, initial_option=chosen[0] if chosen else None, **choices
    )


def options(props: Json) -> list[Option]:
    """Return Slack's options. The value of each is its index as text, whose posted value is kept with the control."""
    return [
        Option(text=plain(as_text(option.get("label")), limits.MAX_OPTION_CHARACTERS), value=str(index))
        for index, option in enumerate(props.get("options") or [])
    ]


def chosen_options(props: Json, listed: list[Option]) -> list[Option]:
    """Return those of the listed options that are chosen at first."""
    return [listed[index] for index in props.get("initialOptions") or [] if index < min(len(listed), _most_options())]


def text_input(node: Json) -> InputBlock:
    """Return a line to type in that is sent by pressing Enter, from within the message."""
    props = node["props"]
    placeholder = as_text(props.get("placeholder"))
    element = PlainTextInputElement(
        action_id=action_id(node, "onSubmit"),
        placeholder=optional_plain(placeholder, limits.MAX_PLACEHOLDER_CHARACTERS),
        multiline=props.get("multiline"),
        dispatch_action_config=DispatchActionConfig(trigger_actions_on=["on_enter_pressed"]),
    )
    label = own_text(node) or placeholder
    return InputBlock(label=plain(label, limits.MAX_INPUT_LABEL_CHARACTERS), element=element, dispatch_action=True)


def action_id(node: Json, event: str) -> str | None:
    """Return the id that was minted for the handler, else the key."""
    bound = node["props"].get(event)
    name = bound.get("id") if isinstance(bound, dict) else node.get("key")
    return as_text(name)[: limits.MAX_ID_CHARACTERS] or None


def _wire_value(value: Json) -> str | None:
    """Return the value as Slack carries it. A longer one stays at home: a click finds it with its control."""
    if value is None:
        return None
    text = value if isinstance(value, str) else exact_json.dumps(value)
    return text if len(text) <= limits.MAX_BUTTON_VALUE_CHARACTERS else None


def _confirm(question: str) -> ConfirmObject:
    return ConfirmObject(
        title="Are you sure?",
        text=PlainTextObject(text=plain(question, limits.MAX_CONFIRM_CHARACTERS).text),
        confirm="Yes",
        deny="Cancel",
    )


def _most_options() -> int:
    return limits.MAX_OPTIONS * limits.MAX_OPTION_GROUPS


def _groups(listed: list[Option]) -> list[OptionGroup]:
    """Return the options a hundred to a group. What is left out even so is said in the last group's label."""
    shown, groups = listed[: _most_options()], []
    for first in range(0, len(shown), limits.MAX_OPTIONS):
        part = shown[first : first + limits.MAX_OPTIONS]
        label = f"{first + 1}–{first + len(part)}"
        if first + len(part) == _most_options() < len(listed):
            label += f" ({ELLIPSIS} {len(listed) - len(shown)} more)"
        groups.append(OptionGroup(label=label, options=part))
    return groups


def no_options(name: str) -> Any:
    """Return what stands in the place of a menu without options, which Slack refuses."""
    return marked_up(f"{name or ELLIPSIS} (no options)", limits.MAX_SECTION_CHARACTERS)
