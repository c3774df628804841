"""Where a value lives: a namespace, a facet and a key."""

import hashlib
from typing import NamedTuple
from uuid import UUID

MAX_KEY_CHARACTERS = 1_024
MAX_NAMESPACE_CHARACTERS = 255


class Address(NamedTuple):
    """A checked key within one facet of one namespace.

    `digest` is what databases compare: 128 bits over the length-framed parts, in 32 hexadecimal digits, so that no
    collation, padding or normalisation rule can make two keys one. `label` is the key for people to read.
    """

    namespace: str
    facet: str
    key: str
    digest: str

    @classmethod
    def of(cls, namespace: str, facet: str, key: str) -> "Address":
        """Check `key` and build its address. Raises ValueError naming the bound."""
        check_text(key, "a key", MAX_KEY_CHARACTERS)
        return cls(namespace, facet, key, _hashed(namespace, facet, key).hexdigest())

    @property
    def label(self) -> str:
        """The key with everything but printable ASCII escaped."""
        return readable(self.key)


def digest_of(*parts: str) -> UUID:
    """Return 128 bits that name `parts`; each is framed by its length, so ("a", "b") is not ("ab", "")."""
    return UUID(bytes=_hashed(*parts).digest())


def hex_digest_of(*parts: str) -> str:
    """Return what `digest_of` does, as 32 hexadecimal digits."""
    return _hashed(*parts).hexdigest()


def _hashed(*parts: str) -> "hashlib.blake2b":
    framed = b""
    for part in parts:
        encoded = part.encode("utf-8")
        framed += len(encoded).to_bytes(8, "big") + encoded
    return hashlib.blake2b(framed, digest_size=16)


def readable(text: str) -> str:
    """Return `text` as printable ASCII, with escapes for the rest."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return text.encode("unicode_escape").decode("ascii")


def check_namespace(namespace: object) -> None:
    """Raise ValueError unless `namespace` is empty, or text of at most 255 characters that UTF-8 can encode."""
    if namespace != "":
        check_text(namespace, "namespace", MAX_NAMESPACE_CHARACTERS)


def check_text(text: object, what: str, longest: int) -> None:
    """Raise ValueError unless `text` is a str of 1 to `longest` characters that UTF-8 can encode."""
    if not isinstance(text, str):
        raise ValueError(f"{what} must be a str of 1 to {longest} characters, not {type(text).__name__}")
    if not 1 <= len(text) <= longest:
        raise ValueError(f"{what} must have 1 to {longest} characters, not {len(text)}")
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} must be text that UTF-8 can encode: lone surrogate at {error.start}") from error
