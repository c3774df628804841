"""Taking the one row that a key's writers lock."""

from typing import Any, TypeVar

from django.db.models import QuerySet

from botstate.contracts.addresses import Address, readable
from botstate.exceptions import StoreError
from botstate.models.stores import Addressed

RowT = TypeVar("RowT", bound=Addressed)

#: More than any count of rows, and a number that databases still take, and add one of their own to.
MOST = 2**62
_MAX_TRIES = 100


def lock(rows: "QuerySet[RowT]", address: Address) -> RowT | None:
    """Return the address's row, locked until the transaction ends, or None. Read the clock after this, not before."""
    return rows.select_for_update().filter(pk=address.digest).first()


def lock_or_create(rows: "QuerySet[RowT]", fresh: RowT) -> RowT:
    """Return the row with the primary key of `fresh`, locked; where there is none, `fresh` is inserted first.

    Callers give a `fresh` that reads as empty or expired, so that they need not know which it was.
    """
    for _ in range(_MAX_TRIES):
        row = rows.select_for_update().filter(pk=fresh.pk).first()
        if row is not None:
            return row
        # This may meet another writer's row: that one stands, and is locked in the next round.
        rows.bulk_create([fresh], ignore_conflicts=True)
    raise StoreError("a row was deleted again and again while it was being created")


def identity(address: Address) -> dict[str, Any]:
    """Return the columns that name a row."""
    return {"digest": address.digest, "namespace": readable(address.namespace)[:255], "label": address.label}


def is_expired(expires_us: int | None, now_us: int) -> bool:
    """True once the expiry has come; None never expires."""
    return expires_us is not None and expires_us <= now_us
