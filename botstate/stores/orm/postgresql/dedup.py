"""Dedup on PostgreSQL."""

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupStatus
from botstate.stores.orm.dedup import OrmDedup
from botstate.stores.orm.postgresql.facet import FastFacet, integer

RECORD = "SELECT botstate_dedup_record(%s, %s, %s, %s, %s)"
COMMIT = "SELECT botstate_dedup_commit(%s, %s, %s)"
# WHERE is evaluated before the wait for the row, RETURNING after it: so it is there that the clock is read.
RELEASE = "DELETE FROM botstate_dedupentry WHERE digest = %s AND token = %s RETURNING expires_us > botstate_now()"
CHECK = "SELECT token FROM botstate_dedupentry WHERE digest = %s AND expires_us > botstate_now()"


class FastDedup(FastFacet, OrmDedup):
    """Dedup rows, one statement per operation; a key that is not new costs no write."""

    def _seen(self, address: Address, ttl_us: int) -> bool:
        return not self._value(RECORD, *self._identity(address), "", integer(ttl_us))

    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return bool(self._value_alone("claim", RECORD, *self._identity(address), token, integer(lease_us)))

    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._value_alone("commit", COMMIT, address.digest, token, integer(ttl_us)))

    def _release(self, address: Address, token: str) -> bool:
        return bool(self._value_alone("release", RELEASE, address.digest, token))

    def _check(self, address: Address) -> DedupStatus:
        token = self._value(CHECK, address.digest)
        if token is None:
            return "new"
        return "claimed" if token else "done"
