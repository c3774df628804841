"""kv on PostgreSQL."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.kv import OrmKv
from botstate.stores.orm.postgresql.facet import FastFacet, integer

GET = """
SELECT value FROM botstate_kventry WHERE digest = %s AND (expires_us IS NULL OR expires_us > botstate_now())"""
SET = """
INSERT INTO botstate_kventry (digest, namespace, label, value, expires_us) VALUES (%s, %s, %s, %s, NULL)
ON CONFLICT (digest) DO UPDATE SET value = EXCLUDED.value, expires_us = NULL RETURNING true"""
SET_WITH_TTL = "SELECT botstate_kv_set(%s, %s, %s, %s, %s)"
# WHERE is evaluated before the wait for the row, RETURNING after it: so it is there that the clock is read.
DELETE = """
DELETE FROM botstate_kventry WHERE digest = %s RETURNING expires_us IS NULL OR expires_us > botstate_now()"""
CONSUME = """
DELETE FROM botstate_kventry WHERE digest = %s
RETURNING CASE WHEN expires_us IS NULL OR expires_us > botstate_now() THEN value END"""


class FastKv(FastFacet, OrmKv):
    """kv rows, one statement per operation."""

    def _get(self, address: Address) -> str | None:
        text: str | None = self._value(GET, address.digest)
        return text

    def _set(self, address: Address, text: str, ttl_us: int | None) -> None:
        if ttl_us is None:
            self._value(SET, *self._identity(address), text)
        else:
            self._value(SET_WITH_TTL, *self._identity(address), text, integer(ttl_us))

    def _delete(self, address: Address) -> bool:
        return bool(self._value(DELETE, address.digest))

    def _consume(self, address: Address) -> str | None:
        text: str | None = self._value(CONSUME, address.digest)
        return text
