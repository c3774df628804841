"""Tokens that are nearly the right one."""

from typing import Any


def stale_tokens(token: str) -> dict[str, Any]:
    """Return tokens that must free, extend, commit and acknowledge nothing, by what is wrong with them."""
    last = "0" if token[-1] != "0" else "1"
    first = "0" if token[0] != "0" else "1"
    return {
        "empty": "",
        "None": None,
        "its beginning": token[:-1],
        "its first half": token[: len(token) // 2],
        "its end": token[1:],
        "changed in its last character": token[:-1] + last,
        "changed in its first character": first + token[1:],
        "in upper case": token.upper() if token.upper() != token else f"{token}A",
        "followed by a space": f"{token} ",
        "followed by U+0000": f"{token}\x00",
        "followed by more": f"{token}0",
        "preceded by a space": f" {token}",
        "a pattern": "%",
        "a lone surrogate": "\ud800",
        "very long": token * 100,
        "bytes": token.encode(),
        "another one's": "f" * len(token),
    }
