"""Lists on MariaDB."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.lists import OrmList
from botstate.stores.orm.mariadb.blocks import block, lock_or_create, plain
from botstate.stores.orm.mariadb.facet import MOST, FastFacet, instead_of, integer

HEAD = "DECLARE old_length, place, until_us, now_us, kept BIGINT;"
APPEND = block(
    HEAD,
    """
{lock}
SET now_us = {clock}, kept = old_length + 1;
IF old_length = 0 THEN
  SET until_us = NULL;
ELSEIF until_us <= now_us THEN
  SET kept = 1, until_us = NULL;
ELSEIF kept > %(max_len)s THEN
  SET kept = %(max_len)s;
END IF;
INSERT INTO botstate_listitem (head_id, seq, value) VALUES (%(digest)s, place, %(value)s);
IF kept <= old_length THEN
  DELETE FROM botstate_listitem WHERE head_id = %(digest)s AND seq BETWEEN place - old_length AND place - kept;
END IF;
UPDATE botstate_listhead
   SET length = kept, next_seq = place + 1, expires_us = COALESCE(now_us + %(ttl)s, until_us)
 WHERE digest = %(digest)s;""",
    "kept",
    lock=lock_or_create(
        "botstate_listhead", "length, next_seq, expires_us", "old_length, place, until_us", "0, 0, NULL"
    ),
)
# An empty list does not exist: its head expires. Without LIMIT, the end of a range is found by locking what follows it,
# which may be another key's.
TRIM = block(
    f"{HEAD} DECLARE dropped BIGINT;",
    """
SELECT length, next_seq INTO old_length, place FROM botstate_listhead WHERE digest = %(digest)s FOR UPDATE;
SET kept = %(max_len)s, dropped = old_length - kept;
IF dropped > 0 THEN
  DELETE FROM botstate_listitem WHERE head_id = %(digest)s AND seq < place - kept ORDER BY seq LIMIT dropped;
  UPDATE botstate_listhead SET length = kept, expires_us = IF(kept > 0, expires_us, {clock}) WHERE digest = %(digest)s;
END IF;""",
    "kept",
)
DELETE = block(
    HEAD,
    """
SELECT length, expires_us INTO old_length, until_us FROM botstate_listhead WHERE digest = %(digest)s FOR UPDATE;
SET now_us = {clock};
IF old_length IS NOT NULL THEN
  DELETE FROM botstate_listitem WHERE head_id = %(digest)s;
  DELETE FROM botstate_listhead WHERE digest = %(digest)s;
END IF;""",
    "old_length > 0 AND (until_us IS NULL OR until_us > now_us)",
)
# One statement has one snapshot, so the head's counters and the items are of one moment without a lock.
RANGE = plain("""
SELECT value FROM botstate_listitem
 WHERE head_id = %(digest)s
   AND seq >= (SELECT next_seq - length + %(start)s FROM botstate_listhead
                WHERE digest = %(digest)s AND (expires_us IS NULL OR expires_us > {clock}))
   AND seq <= (SELECT next_seq - length + %(stop)s FROM botstate_listhead WHERE digest = %(digest)s)
 ORDER BY seq""")


class FastList(FastFacet, OrmList):
    """List rows, one statement per operation; reading waits for nobody."""

    @instead_of(OrmList._append)
    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int:
        length = self._value(APPEND, address, value=text, max_len=integer(max_len), ttl=integer(ttl_us))
        return int(length)

    @instead_of(OrmList._range)
    def _range(self, address: Address, start: int, stop: int | None) -> list[str]:
        last = integer(MOST if stop is None else stop)
        return [row[0] for row in self._rows_of(RANGE, address, start=integer(start), stop=last)]

    @instead_of(OrmList._trim)
    def _trim(self, address: Address, max_len: int) -> None:
        self._value(TRIM, address, max_len=integer(max_len))

    @instead_of(OrmList._delete)
    def _delete(self, address: Address) -> bool:
        return bool(self._value(DELETE, address))
