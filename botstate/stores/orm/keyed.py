"""Keyed entries on the ORM: a head row per collection, which its writers lock, and one row per entry."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Substr

from botstate.contracts.addresses import readable
from botstate.contracts.keyed import Admission, Collection, EntryAddress, EntryRow, Found, KeyedFacet
from botstate.db.clock import StoreNow
from botstate.models.stores import KEY_START_BYTES, MAX_KEY_BYTES, KeyedEntry, KeyedHead
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.rows import is_expired, lock_or_create

_LIVE = Q(expires_us=None) | Q(expires_us__gt=StoreNow())
BATCH = 500
#: How many bytes of a value MariaDB and MySQL surely sort by: their `max_sort_length`, less what the length takes.
SORTED_BYTES = 1_000
_COLUMNS = ("key", "value", "created_us", "expires_us")


class OrmKeyed(OrmFacet, KeyedFacet):
    """Rows of entries. A head's `length` counts its rows, those that have expired too, and never exceeds the bound."""

    @property
    def _heads(self) -> "QuerySet[KeyedHead]":
        return KeyedHead.objects.using(self._using)

    @property
    def _rows(self) -> "QuerySet[KeyedEntry]":
        return KeyedEntry.objects.using(self._using)

    def _of(self, collection: Collection) -> "QuerySet[KeyedEntry]":
        return self._rows.filter(head=UUID(collection.digest))

    def register(self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        def register() -> bool:
            writing = _Writing.of_any(self, collection)
            return writing.store(writing.row(address), address, text, ttl_us)

        return self._joined(register)

    def register_if_absent(
        self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None
    ) -> Admission:
        def register() -> Admission:
            writing = _Writing.of_any(self, collection)
            row = writing.row(address)
            if row is not None and not writing.is_expired(row):
                return Admission.PRESENT
            return Admission.STORED if writing.store(row, address, text, ttl_us) else Admission.FULL

        return self._joined(register)

    def find(self, collection: Collection, address: EntryAddress) -> Found | None:
        live = self._rows.filter(_LIVE, pk=address.digest)
        found = self._read(
            lambda: live.annotate(now_us=StoreNow()).values_list("value", "created_us", "expires_us", "now_us").first()
        )
        return None if found is None else Found(*found)

    def find_many(self, collection: Collection, addresses: list[EntryAddress]) -> list[str | None]:
        live = self._rows.filter(_LIVE, pk__in=[address.digest for address in addresses])
        texts = self._read(lambda: {digest.hex: text for digest, text in live.values_list("pk", "value")})
        return [texts.get(address.digest) for address in addresses]

    def consume(self, collection: Collection, address: EntryAddress) -> str | None:
        return self._take(collection, address, None)

    def delete_if(self, collection: Collection, address: EntryAddress, expected: str) -> bool:
        return self._take(collection, address, expected) is not None

    def replace(
        self, collection: Collection, address: EntryAddress, expected: str, text: str, ttl_us: int | None
    ) -> bool:
        def replace() -> bool:
            writing = _Writing.of_existing(self, collection)
            row = None if writing is None else writing.row(address)
            if writing is None or row is None or writing.is_expired(row) or row.value != expected:
                return False
            return writing.store(row, address, text, ttl_us)

        return self._joined(replace)

    def entries(self, collection: Collection) -> list[EntryRow]:
        return self._listed(self._of(collection).filter(_LIVE).order_by("seq"))

    def entries_in_range(
        self, collection: Collection, start: str | None, end: str | None, limit: int, descending: bool
    ) -> list[EntryRow]:
        rows = self._of(collection).filter(_LIVE)
        # The index has the keys' first bytes only.
        if start is not None:
            rows = rows.filter(key_start__gte=key_start(start), key__gte=start.encode())
        if end is not None:
            rows = rows.filter(key_start__lte=key_start(end), key__lt=end.encode())
        parts: list[Any] = [F("key_start"), F("key")]
        if connections[self._using].vendor == "mysql":
            # There, two keys that differ only after so many bytes are put in no order.
            parts += [
                Substr("key", begin + 1, SORTED_BYTES) for begin in range(SORTED_BYTES, MAX_KEY_BYTES, SORTED_BYTES)
            ]
        return self._listed(rows.order_by(*(OrderBy(part, descending=descending) for part in parts))[:limit])

    def count(self, collection: Collection) -> int:
        return self._read(self._of(collection).filter(_LIVE).count)

    def clear(self, collection: Collection) -> int:
        def clear() -> int:
            writing = _Writing.of_existing(self, collection)
            if writing is None:
                return 0
            rows = self._of(collection)
            expired, _ = rows.filter(expires_us__lte=writing.now_us).delete()
            live, _ = rows.delete()
            writing.forget(expired + live)
            return live

        return self._joined(clear)

    def update(
        self,
        collection: Collection,
        address: EntryAddress,
        change: Callable[[str | None], str | None],
        ttl_us: int | None,
    ) -> Admission:
        if not connections[self._using].in_atomic_block:
            return super().update(collection, address, change, ttl_us)

        def update() -> Admission:
            # The caller's transaction may see no change of others, however often it looks.
            writing = _Writing.of_any(self, collection)
            row = writing.row(address)
            text = change(None if row is None or writing.is_expired(row) else row.value)
            if text is None:
                return Admission.PRESENT
            # Nobody else could write meanwhile, but `change` could, in this transaction.
            writing = _Writing.of_any(self, collection)
            row = writing.row(address)
            return Admission.STORED if writing.store(row, address, text, ttl_us) else Admission.FULL

        return self._joined(update)

    def _take(self, collection: Collection, address: EntryAddress, expected: str | None) -> str | None:
        """Remove the entry and return its text if it was live, and is `expected` where that is given."""

        def take() -> str | None:
            writing = _Writing.of_existing(self, collection)
            row = None if writing is None else writing.row(address)
            if writing is None or row is None:
                return None
            expired = writing.is_expired(row)
            if not expired and expected not in (None, row.value):
                return None
            row.delete(using=self._using)
            writing.forget(1)
            return None if expired else row.value

        return self._joined(take)

    def _listed(self, rows: "QuerySet[KeyedEntry]") -> list[EntryRow]:
        found = self._read(lambda: list(rows.values_list(*_COLUMNS)))
        return [EntryRow(bytes(key).decode("utf-8"), text, created, expires) for key, text, created, expires in found]


class _Writing:
    """A writer's hold on a collection: its head's row, locked, and the clock, read after that."""

    def __init__(self, facet: OrmKeyed, collection: Collection, head: KeyedHead) -> None:
        self.head = head
        self._facet = facet
        self._collection = collection
        self.now_us = facet._now_us()

    @classmethod
    def of_any(cls, facet: OrmKeyed, collection: Collection) -> "_Writing":
        """Return the hold on a collection, which begins here where it was never written to."""
        namespace = readable(facet._namespace)[:255]
        fresh = KeyedHead(digest=collection.digest, namespace=namespace, label=collection.label)
        return cls(facet, collection, lock_or_create(facet._heads, fresh))

    @classmethod
    def of_existing(cls, facet: OrmKeyed, collection: Collection) -> "_Writing | None":
        """Return the hold on a collection, or None where it was never written to."""
        head = facet._heads.select_for_update().filter(pk=collection.digest).first()
        return None if head is None else cls(facet, collection, head)

    def row(self, address: EntryAddress) -> KeyedEntry | None:
        """Return the entry's row, as it is now: a plain read could be of a moment before the lock."""
        return self._facet._rows.select_for_update().filter(pk=address.digest).first()

    def is_expired(self, row: KeyedEntry) -> bool:
        return is_expired(row.expires_us, self.now_us)

    def store(self, row: KeyedEntry | None, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        """Write the entry into `row`, or into a new one if there is room for that."""
        most = self._collection.max_entries
        if row is not None and self.is_expired(row):
            row.delete(using=self._facet._using)
            self.head.length -= 1
            row = None
        if row is None and most is not None and self._collection.rejects_new and not self._make_room(most - 1, False):
            self.head.save(using=self._facet._using)
            return False
        columns: dict[str, Any] = {
            "seq": self.head.next_seq,
            "value": text,
            "created_us": self.now_us,
            "expires_us": None if ttl_us is None else self.now_us + ttl_us,
        }
        if row is None:
            key = address.key_bytes
            identity = {"digest": address.digest, "head_id": self._collection.digest}
            self._facet._rows.bulk_create([KeyedEntry(**identity, key=key, key_start=key[:KEY_START_BYTES], **columns)])
            self.head.length += 1
        else:
            self._facet._rows.filter(pk=row.pk).update(**columns)
        self.head.next_seq += 1
        if most is not None and not self._collection.rejects_new:
            self._make_room(most, True)
        self.head.save(using=self._facet._using)
        return True

    def forget(self, count: int) -> None:
        """Count `count` rows no longer."""
        self._facet._heads.filter(pk=self.head.pk).update(length=F("length") - count)

    def _make_room(self, most: int, evicts: bool) -> bool:
        """Delete rows until there are at most `most`: expired ones and, if it `evicts`, the oldest. True if so."""
        rows = self._facet._of(self._collection)
        self._delete(rows.filter(expires_us__lte=self.now_us).order_by("expires_us"), most)
        if evicts:
            self._delete(rows.order_by("seq"), most)
        return self.head.length <= most

    def _delete(self, rows: "QuerySet[KeyedEntry]", most: int) -> None:
        while (excess := self.head.length - most) > 0:
            # No more than fit into a statement, where a bound was lowered by far.
            doomed = list(rows.select_for_update().values_list("pk", flat=True)[: min(excess, BATCH)])
            if not doomed:
                return
            self._facet._rows.filter(pk__in=doomed).delete()
            self.head.length -= len(doomed)


def key_start(key: str) -> bytes:
    """Return what the index holds of a key."""
    return key.encode("utf-8")[:KEY_START_BYTES]
