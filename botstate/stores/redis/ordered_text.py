"""Text as printable ASCII that sorts, byte by byte, as the text does by its code points."""

import re

# UTF-8 keeps the order of code points. What is below these characters is escaped by "!", which sorts before them,
# and what is above them by "~", which sorts after them; no escape begins another. "!" and "~" are escaped themselves.
_ESCAPE = {byte: f"{'!' if chr(byte) < '~' else '~'}{byte:02x}" for byte in range(256) if not '"' <= chr(byte) <= "}"}
_ESCAPES = re.compile("[!~]([0-9a-f]{2})")


def ordered(text: str) -> str:
    """Return `text` in ASCII without spaces: as it is, but for "!", "~" and whatever is not printable ASCII."""
    return text.encode("utf-8").decode("latin-1").translate(_ESCAPE)


def unordered(escaped: str) -> str:
    """Return the text that `ordered` was given."""
    return _ESCAPES.sub(_unescape, escaped).encode("latin-1").decode("utf-8")


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))
