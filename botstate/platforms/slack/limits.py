"""What Slack takes at most, and how what is longer is cut, visibly."""

MAX_BLOCKS = 50
MAX_ACTION_ELEMENTS = 25
MAX_HEADER_CHARACTERS = 150
MAX_SECTION_CHARACTERS = 3_000
MAX_BUTTON_LABEL_CHARACTERS = 75
MAX_BUTTON_VALUE_CHARACTERS = 2_000
MAX_URL_CHARACTERS = 3_000
MAX_CONFIRM_CHARACTERS = 300
MAX_FALLBACK_CHARACTERS = 3_000

ELLIPSIS = "…"


def shorten(text: str, longest: int) -> str:
    """Return `text`, cut with an ellipsis where it has more than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS
