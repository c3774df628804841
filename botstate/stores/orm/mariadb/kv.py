"""kv on MariaDB."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.kv import OrmKv
from botstate.stores.orm.mariadb.blocks import block, plain
from botstate.stores.orm.mariadb.facet import FastFacet, instead_of, integer

GET = plain("""
SELECT value FROM botstate_kventry WHERE digest = %(digest)s AND (expires_us IS NULL OR expires_us > {clock})""")
SET = plain("""
INSERT INTO botstate_kventry (digest, namespace, label, value, expires_us)
VALUES (%(digest)s, %(namespace)s, %(label)s, %(value)s, NULL)
ON DUPLICATE KEY UPDATE value = VALUES(value), expires_us = NULL""")
# The insertion may have waited for a row, or for another's to be rolled back.
SET_WITH_TTL = block(
    "DECLARE begun_us, now_us BIGINT;",
    """
SET begun_us = {clock};
INSERT INTO botstate_kventry (digest, namespace, label, value, expires_us)
VALUES (%(digest)s, %(namespace)s, %(label)s, %(value)s, begun_us + %(ttl)s)
ON DUPLICATE KEY UPDATE value = VALUES(value), expires_us = VALUES(expires_us);
SET now_us = {clock};
IF now_us - begun_us > 1000 THEN
  UPDATE botstate_kventry SET expires_us = now_us + %(ttl)s WHERE digest = %(digest)s;
END IF;""",
    "1",
)
TAKE = block(
    "DECLARE was_there, is_live INT; DECLARE until_us BIGINT; DECLARE taken LONGTEXT;",
    """
SELECT 1, expires_us, value INTO was_there, until_us, taken
  FROM botstate_kventry WHERE digest = %(digest)s FOR UPDATE;
IF was_there THEN
  SET is_live = until_us IS NULL OR until_us > {clock};
  DELETE FROM botstate_kventry WHERE digest = %(digest)s;
END IF;""",
    "IF(is_live, taken, NULL)",
)


class FastKv(FastFacet, OrmKv):
    """kv rows, one statement per operation."""

    @instead_of(OrmKv._get)
    def _get(self, address: Address) -> str | None:
        text: str | None = self._value(GET, address)
        return text

    @instead_of(OrmKv._set)
    def _set(self, address: Address, text: str, ttl_us: int | None) -> None:
        if ttl_us is None:
            self._value(SET, address, value=text)
        else:
            self._value(SET_WITH_TTL, address, value=text, ttl=integer(ttl_us))

    @instead_of(OrmKv._take)
    def _take(self, address: Address) -> str | None:
        text: str | None = self._value(TAKE, address)
        return text
