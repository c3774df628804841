"""Dedup on SQLite."""

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupStatus
from botstate.stores.orm.dedup import OrmDedup
from botstate.stores.orm.sqlite.facet import SqliteFacet

# It takes the write lock even where the key is not new: so it waits for the outcome of whoever is recording it.
RECORD = """
INSERT INTO botstate_dedupentry AS known (digest, namespace, label, token, expires_us)
VALUES (%s, %s, %s, %s, botstate_now() + %s)
ON CONFLICT (digest) DO UPDATE SET token = EXCLUDED.token, expires_us = EXCLUDED.expires_us
 WHERE known.expires_us <= botstate_now()
RETURNING 1"""
COMMIT = """
UPDATE botstate_dedupentry SET token = '', expires_us = botstate_now() + %s
 WHERE digest = %s AND token = %s AND expires_us > botstate_now() RETURNING 1"""
RELEASE = """
DELETE FROM botstate_dedupentry WHERE digest = %s AND token = %s AND expires_us > botstate_now() RETURNING 1"""
CHECK = "SELECT token FROM botstate_dedupentry WHERE digest = %s AND expires_us > botstate_now()"


class SqliteDedup(SqliteFacet, OrmDedup):
    """Dedup rows, one statement per operation."""

    def _seen(self, address: Address, ttl_us: int) -> bool:
        return self._row(RECORD, (*self._identity(address), "", ttl_us), is_write=True) is None

    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return self._row_alone("claim", RECORD, (*self._identity(address), token, lease_us)) is not None

    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        return self._row_alone("commit", COMMIT, (ttl_us, address.digest, token)) is not None

    def _release(self, address: Address, token: str) -> bool:
        return self._row_alone("release", RELEASE, (address.digest, token)) is not None

    def _check(self, address: Address) -> DedupStatus:
        row = self._row(CHECK, (address.digest,))
        if row is None:
            return "new"
        return "claimed" if row[0] else "done"
