"""Lists on SQLite."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.lists import OrmList
from botstate.stores.orm.sqlite.facet import LIVE, MOST, Execute, SqliteFacet, integer

# A query without a FROM is not merged into the one around it, so `live` is decided once, by one reading of the clock.
GROW = """
INSERT INTO botstate_listhead AS head (digest, namespace, label, length, next_seq, expires_us)
VALUES (%(digest)s, %(namespace)s, %(label)s, 1, 1, botstate_now() + %(ttl)s)
ON CONFLICT (digest) DO UPDATE SET
       next_seq = head.next_seq + 1,
       (length, expires_us) = (
           SELECT CASE WHEN live THEN MIN(head.length + 1, %(max_len)s) ELSE 1 END,
                  COALESCE(EXCLUDED.expires_us, CASE WHEN live THEN head.expires_us END)
             FROM (SELECT head.length > 0 AND COALESCE(head.expires_us > botstate_now(), TRUE) AS live))
RETURNING next_seq - 1, length, (SELECT MIN(seq) FROM botstate_listitem WHERE head_id = %(digest)s)"""
ADD = "INSERT INTO botstate_listitem (head_id, seq, value) VALUES (%s, %s, %s)"
# The row of the item that is dropped becomes that of the new one.
REPLACE = "UPDATE botstate_listitem SET seq = %s, value = %s WHERE head_id = %s AND seq = %s"
DROP = "DELETE FROM botstate_listitem WHERE head_id = %s AND seq < %s"
# One statement has one snapshot, so the head's counters and the items are of one moment without a lock. A CROSS JOIN is
# made in the order in which it is written.
RANGE = f"""
SELECT item.value FROM botstate_listhead AS head CROSS JOIN botstate_listitem AS item
 WHERE head.digest = %(digest)s AND {LIVE}
   AND item.head_id = %(digest)s
   AND item.seq >= head.next_seq - head.length + %(start)s
   AND item.seq <= head.next_seq - head.length + %(stop)s
 ORDER BY item.seq"""  # noqa: S608
# An empty list does not exist: its head is the sweep's.
TRIM = """
UPDATE botstate_listhead
   SET length = %(max_len)s, expires_us = CASE WHEN %(max_len)s > 0 THEN expires_us ELSE botstate_now() END
 WHERE digest = %(digest)s AND length > %(max_len)s RETURNING next_seq - length"""
DELETE_HEAD = f"DELETE FROM botstate_listhead WHERE digest = %s RETURNING length > 0 AND {LIVE}"  # noqa: S608
DELETE_ITEMS = "DELETE FROM botstate_listitem WHERE head_id = %s"


class SqliteList(SqliteFacet, OrmList):
    """List rows. Appending takes two statements and BEGIN and COMMIT, reading one."""

    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int:
        digest, namespace, label = self._identity(address)
        bound = MOST if max_len is None else integer(max_len)
        head = {"digest": digest, "namespace": namespace, "label": label, "ttl": ttl_us, "max_len": bound}

        def append(execute: Execute) -> int:
            seq, length, oldest = execute(GROW, head)[0]
            first = seq - length + 1
            if oldest is not None and oldest < first - 1:
                execute(DROP, (digest, first))
                oldest = None
            if oldest is None or oldest >= first:
                execute(ADD, (digest, seq, text))
            else:
                execute(REPLACE, (seq, text, digest, oldest))
            return int(length)

        return self._together(append)

    def _range(self, address: Address, start: int, stop: int | None) -> list[str]:
        last = MOST if stop is None else integer(stop)
        rows = self._fetch(RANGE, {"digest": address.digest, "start": integer(start), "stop": last})
        return [text for (text,) in rows]

    def _trim(self, address: Address, max_len: int) -> None:
        digest = address.digest

        def trim(execute: Execute) -> None:
            for (first,) in execute(TRIM, {"digest": digest, "max_len": integer(max_len)}):
                execute(DROP, (digest, first))

        self._together(trim)

    def _delete(self, address: Address) -> bool:
        digest = address.digest

        def delete(execute: Execute) -> bool:
            heads = execute(DELETE_HEAD, (digest,))
            if heads:
                execute(DELETE_ITEMS, (digest,))
            return any(was_live for (was_live,) in heads)

        return self._together(delete)
