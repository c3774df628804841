"""Locks on SQLite: the row is taken and updated by one statement."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.locks import OrmLock
from botstate.stores.orm.sqlite.facet import SqliteFacet

ACQUIRE = """
INSERT INTO botstate_lockrow AS held (digest, namespace, label, token, fence, expires_us)
VALUES (%s, %s, %s, %s, botstate_now(), botstate_now() + %s)
ON CONFLICT (digest) DO UPDATE SET token = EXCLUDED.token, fence = held.fence + 1, expires_us = EXCLUDED.expires_us
 WHERE held.token = '' OR held.expires_us <= botstate_now()
RETURNING fence, expires_us"""
EXTEND = """
UPDATE botstate_lockrow SET expires_us = botstate_now() + %s
 WHERE digest = %s AND token = %s AND expires_us > botstate_now() RETURNING 1"""
RELEASE = """
UPDATE botstate_lockrow SET token = '', expires_us = botstate_now()
 WHERE digest = %s AND token = %s AND expires_us > botstate_now() RETURNING 1"""
FORCE_RELEASE = """
UPDATE botstate_lockrow SET token = '', expires_us = botstate_now()
 WHERE digest = %s AND token <> '' AND expires_us > botstate_now() RETURNING 1"""


class SqliteLock(SqliteFacet, OrmLock):
    """Lock rows, one statement per operation."""

    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        row = self._row_alone("acquire", ACQUIRE, (*self._identity(address), token, ttl_us))
        return None if row is None else (row[0], row[1])

    def _release(self, address: Address, token: str) -> bool:
        return self._row_alone("release", RELEASE, (address.digest, token)) is not None

    def _force_release(self, address: Address) -> bool:
        return self._row_alone("force_release", FORCE_RELEASE, (address.digest,)) is not None

    def _extend(self, address: Address, token: str, ttl_us: int) -> bool:
        return self._row_alone("extend", EXTEND, (ttl_us, address.digest, token)) is not None
