"""Locks on PostgreSQL: the same row lock, taken by the statement that updates the row."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.locks import OrmLock
from botstate.stores.orm.postgresql.facet import FastFacet, integer
from botstate.stores.orm.sweep import LOCK_ROW_IDLE_US

# A lock that is held is found without a write. ON CONFLICT locks the row, and evaluates SET and WHERE after that.
ACQUIRE = """
INSERT INTO botstate_lockrow AS held (digest, namespace, label, token, fence, expires_us)
SELECT %(digest)s::uuid, %(namespace)s, %(label)s, %(token)s, botstate_now(), botstate_now() + %(ttl)s::bigint
 WHERE NOT EXISTS (SELECT FROM botstate_lockrow
                    WHERE digest = %(digest)s::uuid AND token <> '' AND expires_us > botstate_now())
ON CONFLICT (digest) DO UPDATE
   SET token = EXCLUDED.token, fence = held.fence + 1, expires_us = botstate_now() + %(ttl)s::bigint
 WHERE held.token = '' OR held.expires_us <= botstate_now()
RETURNING fence, expires_us"""
EXTEND = "SELECT botstate_lock_extend(%s, %s, %s)"
# RETURNING is evaluated after the wait for the row, SET and WHERE before it: so it is there that the clock is read. The
# expiry must stay what it was, then, and a token that outlived its lease goes too, which frees nothing that was not
# free. Only an expiry far ahead is drawn nearer, for the sweep.
RELEASE = """
UPDATE botstate_lockrow SET token = '', expires_us = LEAST(expires_us, botstate_now() + %s::bigint)
 WHERE digest = %s AND token = %s RETURNING expires_us > botstate_now()"""
FORCE_RELEASE = """
UPDATE botstate_lockrow SET token = '', expires_us = LEAST(expires_us, botstate_now() + %s::bigint)
 WHERE digest = %s AND token <> '' RETURNING expires_us > botstate_now()"""


class FastLock(FastFacet, OrmLock):
    """Lock rows, one statement per operation."""

    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        digest, namespace, label = self._identity(address)
        parameters = {"digest": digest, "namespace": namespace, "label": label, "token": token, "ttl": integer(ttl_us)}
        row = self._row_alone("acquire", ACQUIRE, parameters)
        return None if row is None else (row[0], row[1])

    def _release(self, address: Address, token: str) -> bool:
        return bool(self._value_alone("release", RELEASE, integer(LOCK_ROW_IDLE_US), address.digest, token))

    def _force_release(self, address: Address) -> bool:
        return bool(self._value_alone("force_release", FORCE_RELEASE, integer(LOCK_ROW_IDLE_US), address.digest))

    def _extend(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._value_alone("extend", EXTEND, address.digest, token, integer(ttl_us)))
