"""Keyed entries on PostgreSQL."""

from collections.abc import Callable

from botstate.contracts.keyed import Admission, Collection, EntryAddress, EntryRow, Found, KeyedFacet
from botstate.stores.orm.keyed import OrmKeyed
from botstate.stores.orm.postgresql.facet import FastFacet, integer

WRITE = "SELECT botstate_keyed_write(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
TAKE = "SELECT botstate_keyed_take(%s, %s, %s)"
FIND = "SELECT value, created_us, expires_us, now_us FROM botstate_keyed_find(%s)"
FIND_MANY = "SELECT digest, value FROM botstate_keyed_find_many(%s)"
ENTRIES = "SELECT key, value, created_us, expires_us FROM botstate_keyed_entries(%s)"
RANGE = "SELECT key, value, created_us, expires_us FROM botstate_keyed_range(%s, %s, %s, %s, %s)"
COUNT = "SELECT botstate_keyed_count(%s)"
CLEAR = "SELECT botstate_keyed_clear(%s)"

#: Greater than every key: no UTF-8 begins with it.
_AFTER_EVERY_KEY = b"\xff"


class FastKeyed(FastFacet, OrmKeyed):
    """Rows of entries, one statement per operation; what reads, or finds nothing to do, waits for nobody."""

    def register(self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None) -> bool:
        return self._write(collection, address, text, ttl_us) == "stored"

    def register_if_absent(
        self, collection: Collection, address: EntryAddress, text: str, ttl_us: int | None
    ) -> Admission:
        return Admission(self._write(collection, address, text, ttl_us, if_absent=True))

    def replace(
        self, collection: Collection, address: EntryAddress, expected: str, text: str, ttl_us: int | None
    ) -> bool:
        return self._write(collection, address, text, ttl_us, expected=expected) == "stored"

    def find(self, collection: Collection, address: EntryAddress) -> Found | None:
        row = self._statements.join(FIND, (address.digest,))[0]
        return None if row[0] is None else Found(*row)

    def find_many(self, collection: Collection, addresses: list[EntryAddress]) -> list[str | None]:
        # As one text, which the server reads faster than psycopg would turn a list into an array.
        digests = f"{{{','.join([address.digest for address in addresses])}}}"
        texts = {digest.hex: text for digest, text in self._statements.join(FIND_MANY, (digests,))}
        return [texts.get(address.digest) for address in addresses]

    def consume(self, collection: Collection, address: EntryAddress) -> str | None:
        text: str | None = self._value(TAKE, collection.digest, address.digest, None)
        return text

    def delete_if(self, collection: Collection, address: EntryAddress, expected: str) -> bool:
        return self._value(TAKE, collection.digest, address.digest, expected) is not None

    def entries(self, collection: Collection) -> list[EntryRow]:
        return self._rows_of(ENTRIES, collection.digest)

    def entries_in_range(
        self, collection: Collection, start: str | None, end: str | None, limit: int, descending: bool
    ) -> list[EntryRow]:
        first = b"" if start is None else start.encode()
        last = _AFTER_EVERY_KEY if end is None else end.encode()
        return self._rows_of(RANGE, collection.digest, first, last, integer(limit), descending)

    def count(self, collection: Collection) -> int:
        return int(self._value(COUNT, collection.digest))

    def clear(self, collection: Collection) -> int:
        return int(self._value(CLEAR, collection.digest))

    def update(
        self,
        collection: Collection,
        address: EntryAddress,
        change: Callable[[str | None], str | None],
        ttl_us: int | None,
    ) -> Admission:
        # In the caller's transaction too: a statement sees what was committed before it, or fails where it may not.
        return KeyedFacet.update(self, collection, address, change, ttl_us)

    def _write(
        self,
        collection: Collection,
        address: EntryAddress,
        text: str,
        ttl_us: int | None,
        *,
        if_absent: bool = False,
        expected: str | None = None,
    ) -> str:
        """Store the entry, if it is absent or its text is as expected where that is asked; say what became of it."""
        outcome: str = self._value(
            WRITE,
            collection.digest,
            self._readable_namespace,
            collection.label,
            address.digest,
            address.key_bytes,
            text,
            integer(ttl_us),
            integer(collection.max_entries),
            collection.rejects_new,
            if_absent,
            expected,
        )
        return outcome

    def _rows_of(self, sql: str, *parameters: object) -> list[EntryRow]:
        rows = self._statements.join(sql, parameters)
        return [EntryRow(key.decode("utf-8"), text, created, expires) for key, text, created, expires in rows]
