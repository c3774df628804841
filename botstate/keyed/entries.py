"""Entries as callers see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from botstate import exact_json
from botstate.contracts.keyed import EntryRow, Found
from botstate.db.clock import EPOCH, to_datetime
from botstate.exceptions import ValueUnreadable, shown
from botstate.types import Json


def value_of(key: str, text: str) -> Json:
    """Return the value of a key's stored text. Raises ValueUnreadable where that is no JSON."""
    try:
        return exact_json.loads(text)
    except (ValueError, RecursionError):
        # Not what the decoder says: it holds the text.
        raise ValueUnreadable(f"what is stored under {shown(key)} is no JSON") from None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Times are aware and by the store's clock; `expires_at` is None where it never expires."""

    key: str
    value: Json
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of_row(cls, row: EntryRow) -> "Entry":
        """Return what a store listed."""
        return cls(row.key, value_of(row.key, row.text), _moment(row.created_us), to_datetime(row.expires_us))


@dataclass(frozen=True, slots=True)
class FoundEntry(Entry):
    """An entry, and the time by the store's clock at which it was found."""

    found_at: datetime

    @classmethod
    def of(cls, key: str, found: Found) -> "FoundEntry":
        """Return what a store found under `key`."""
        return cls(
            key,
            value_of(key, found.text),
            _moment(found.created_us),
            to_datetime(found.expires_us),
            _moment(found.now_us),
        )


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
