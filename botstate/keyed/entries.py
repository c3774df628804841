"""Entries as callers see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from botstate.contracts.facet import value_of
from botstate.contracts.keyed import EntryRow, Found
from botstate.db.clock import EPOCH, to_datetime
from botstate.types import Json


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
