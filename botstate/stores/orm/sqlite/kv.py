"""kv on SQLite."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.kv import OrmKv
from botstate.stores.orm.sqlite.facet import LIVE, SqliteFacet

GET = f"SELECT value FROM botstate_kventry WHERE digest = %s AND {LIVE}"  # noqa: S608
# A sum with NULL is NULL: no time-to-live, no expiry.
SET = """
INSERT INTO botstate_kventry (digest, namespace, label, value, expires_us) VALUES (%s, %s, %s, %s, botstate_now() + %s)
ON CONFLICT (digest) DO UPDATE SET value = EXCLUDED.value, expires_us = EXCLUDED.expires_us"""
TAKE = f"DELETE FROM botstate_kventry WHERE digest = %s RETURNING CASE WHEN {LIVE} THEN value END"  # noqa: S608


class SqliteKv(SqliteFacet, OrmKv):
    """kv rows, one statement per operation."""

    def _get(self, address: Address) -> str | None:
        row = self._row(GET, (address.digest,))
        return None if row is None else row[0]

    def _set(self, address: Address, text: str, ttl_us: int | None) -> None:
        self._fetch(SET, (*self._identity(address), text, ttl_us), is_write=True)

    def _take(self, address: Address) -> str | None:
        row = self._row(TAKE, (address.digest,), is_write=True)
        return None if row is None else row[0]
