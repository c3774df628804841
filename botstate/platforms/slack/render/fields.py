"""The fields of a modal."""

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    InputInteractiveElement,
    PlainTextInputElement,
    RadioButtonsElement,
    SectionBlock,
)

from botstate.platforms.slack import limits
from botstate.platforms.slack.limits import shorten
from botstate.platforms.slack.render import elements
from botstate.platforms.slack.render.texts import as_text, optional_plain, plain
from botstate.types import Json


def field(node: Json) -> Block:
    """Return a field's block. Both its block_id and its action_id are the field's name."""
    props = node["props"]
    if node["type"] != "modal_text_input" and not props.get("options"):
        return SectionBlock(text=elements.no_options(as_text(props.get("label"))))
    name = as_text(props.get("id"))[: limits.MAX_ID_CHARACTERS] or None
    return InputBlock(
        block_id=name,
        label=plain(as_text(props.get("label")), limits.MAX_INPUT_LABEL_CHARACTERS),
        element=_element(node["type"], props, name),
        optional=props.get("optional"),
    )


def _element(kind: str, props: Json, name: str | None) -> InputInteractiveElement:
    if kind == "modal_text_input":
        longest = min(props.get("maxLength") or limits.MAX_TYPED_CHARACTERS, limits.MAX_TYPED_CHARACTERS)
        return PlainTextInputElement(
            action_id=name,
            placeholder=optional_plain(props.get("placeholder"), limits.MAX_PLACEHOLDER_CHARACTERS),
            initial_value=shorten(as_text(props.get("initialValue")), longest) or None,
            multiline=props.get("multiline"),
            max_length=props.get("maxLength") and longest,
        )
    if kind == "modal_radio" and len(props["options"]) <= limits.MAX_RADIO_OPTIONS:
        listed = elements.options(props)
        chosen = elements.chosen_options(props, listed)
        return RadioButtonsElement(action_id=name, options=listed, initial_option=chosen[0] if chosen else None)
    return elements.menu(props, name)
