"""Dedup on MariaDB."""

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupStatus
from botstate.stores.orm.dedup import OrmDedup
from botstate.stores.orm.mariadb.blocks import Block, block, lock_or_create, plain
from botstate.stores.orm.mariadb.facet import FastFacet, instead_of, integer

# A key that is not new is found without a write.
RECORD = block(
    "DECLARE is_taken, is_new INT; DECLARE last_token VARCHAR(64); DECLARE until_us, now_us BIGINT;",
    """
{lock}
SET now_us = {clock}, is_new = until_us <= now_us;
IF is_new THEN
  UPDATE botstate_dedupentry SET token = %(token)s, expires_us = now_us + %(ttl)s WHERE digest = %(digest)s;
END IF;""",
    "is_new",
    glance="SELECT 1 INTO is_taken FROM botstate_dedupentry WHERE digest = %(digest)s AND expires_us > {clock};",
    lock=lock_or_create("botstate_dedupentry", "expires_us, token", "until_us, last_token", "0, ''"),
)


def _claimed(then: str) -> Block:
    """Return a Block that does `then` to a key under a live claim, and says whether it did."""
    return block(
        "DECLARE claimed_until, now_us BIGINT; DECLARE is_claimed INT;",
        """
SELECT expires_us INTO claimed_until
  FROM botstate_dedupentry WHERE digest = %(digest)s AND token = %(token)s FOR UPDATE;
SET now_us = {clock}, is_claimed = claimed_until > now_us;
IF is_claimed THEN
  UPDATE botstate_dedupentry SET token = '', expires_us = {then} WHERE digest = %(digest)s;
END IF;""",
        "is_claimed",
        then=then,
    )


COMMIT = _claimed("now_us + %(ttl)s")
RELEASE = _claimed("now_us")
CHECK = plain("SELECT token FROM botstate_dedupentry WHERE digest = %(digest)s AND expires_us > {clock}")


class FastDedup(FastFacet, OrmDedup):
    """Dedup rows, one statement per operation; outside a transaction a key that is not new costs no lock."""

    @instead_of(OrmDedup._seen)
    def _seen(self, address: Address, ttl_us: int) -> bool:
        return not self._value(RECORD, address, token="", ttl=integer(ttl_us))

    @instead_of(OrmDedup._claim)
    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return bool(self._value_alone("claim", RECORD, address, token=token, ttl=integer(lease_us)))

    @instead_of(OrmDedup._commit)
    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._value_alone("commit", COMMIT, address, token=token, ttl=integer(ttl_us)))

    @instead_of(OrmDedup._release)
    def _release(self, address: Address, token: str) -> bool:
        return bool(self._value_alone("release", RELEASE, address, token=token))

    @instead_of(OrmDedup._check)
    def _check(self, address: Address) -> DedupStatus:
        token = self._value(CHECK, address)
        if token is None:
            return "new"
        return "claimed" if token else "done"
