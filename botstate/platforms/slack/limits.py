"""What Slack takes at most, all of it, and how what is longer is cut: visibly.

Source: docs.slack.dev/reference/block-kit and /reference/views, and the checks of slack_sdk's models. What Slack does
not document says so.
"""

# A message, a modal
MAX_BLOCKS = 50
MAX_MODAL_BLOCKS = 100
MAX_FALLBACK_CHARACTERS = 3_000
MAX_TABLES = 1
#: Not documented: over some 12,000 characters in all blocks together Slack answers msg_blocks_too_long, and earlier the
#: more blocks there are. Reported as taken: 13,296 in one block, 9,597 in 50; as refused: 11,341 in 45.
MAX_MESSAGE_CHARACTERS = 12_000
BLOCK_CHARACTERS = 50

# Blocks
MAX_HEADER_CHARACTERS = 150
MAX_SECTION_CHARACTERS = 3_000
#: Of all markdown blocks of a message together.
MAX_MARKDOWN_CHARACTERS = 12_000
MAX_FIELDS = 10
MAX_FIELD_CHARACTERS = 2_000
MAX_CONTEXT_ELEMENTS = 10
MAX_CONTEXT_CHARACTERS = 3_000
MAX_ACTION_ELEMENTS = 25
MAX_IMAGE_TEXT_CHARACTERS = 2_000
MAX_INPUT_LABEL_CHARACTERS = 2_000
MAX_TABLE_ROWS = 100
MAX_TABLE_COLUMNS = 20
MAX_TABLE_CHARACTERS = 10_000
MAX_CELL_CHARACTERS = 2_000

# Elements
MAX_ID_CHARACTERS = 255
MAX_URL_CHARACTERS = 3_000
MAX_BUTTON_LABEL_CHARACTERS = 75
MAX_BUTTON_VALUE_CHARACTERS = 2_000
MAX_CONFIRM_CHARACTERS = 300
MAX_PLACEHOLDER_CHARACTERS = 150
MAX_OPTION_CHARACTERS = 75
MAX_OPTIONS = 100
MAX_OPTION_GROUPS = 100
MAX_RADIO_OPTIONS = 10
MAX_TYPED_CHARACTERS = 3_000

# Modals
MAX_TITLE_CHARACTERS = 24
MAX_MODAL_BUTTON_CHARACTERS = 24

ELLIPSIS = "…"


def shorten(text: str, longest: int) -> str:
    """Return `text`, cut with an ellipsis where it has more than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS
