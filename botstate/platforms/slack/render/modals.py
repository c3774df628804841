"""A modal."""

from slack_sdk.models.blocks import MarkdownTextObject, PlainTextObject, SectionBlock
from slack_sdk.models.views import View

from botstate import exact_json
from botstate.platforms.slack import limits
from botstate.platforms.slack.links import name_links
from botstate.platforms.slack.render.blocks import Surface, blocks_of
from botstate.platforms.slack.render.elements import action_id
from botstate.platforms.slack.render.lengths import leave_out
from botstate.platforms.slack.render.texts import as_text, optional_plain, plain
from botstate.types import Json

#: Slack refuses a modal without blocks.
NOTHING = SectionBlock(text=MarkdownTextObject(text=limits.ELLIPSIS))


def render_modal(node: Json) -> dict[str, Json]:
    """Return the view of a modal, a `{"type", "props", "key"?}` dict.

    Its callback_id is the id of its on_submit, else its key, else the id of its on_close. With an on_close, or a key
    for a callback_id, Slack says when it is closed, but only with the callback_id: so with an on_close
    `private_metadata` is `{"onClose": id}`, as JSON.
    """
    props = node["props"]
    surface = Surface(is_modal=True)
    children = props.get("children") or []
    blocks = leave_out([block for child in children for block in blocks_of(child, surface)], limits.MAX_MODAL_BLOCKS)
    name_links(blocks)
    closing = action_id({"props": props}, "onClose")
    name = action_id(node, "onSubmit")
    is_own = name is not None and not props.get("onSubmit")
    view = View(
        type="modal",
        blocks=[NOTHING],
        callback_id=name or closing,
        title=plain(as_text(props.get("title")), limits.MAX_TITLE_CHARACTERS),
        submit=_submit(props, blocks),
        close=optional_plain(props.get("closeLabel"), limits.MAX_MODAL_BUTTON_CHARACTERS),
        private_metadata=exact_json.dumps({"onClose": closing}) if closing else None,
        notify_on_close=True if closing or is_own else None,
    )
    modal: dict[str, Json] = view.to_dict()
    # slack_sdk would drop blocks that it does not know, which `raw` may have.
    return {**modal, "blocks": blocks} if blocks else modal


def _submit(props: Json, blocks: list[dict[str, Json]]) -> PlainTextObject | None:
    """Return the label of the button that submits; Slack insists on one where there are fields."""
    label = optional_plain(props.get("submitLabel"), limits.MAX_MODAL_BUTTON_CHARACTERS)
    has_fields = any(block.get("type") == "input" for block in blocks)
    return label or (PlainTextObject(text="Submit", emoji=True) if has_fields else None)
