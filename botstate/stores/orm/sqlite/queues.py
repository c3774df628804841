"""Queues on SQLite."""

from botstate.contracts.addresses import Address
from botstate.contracts.facet import new_token
from botstate.contracts.queues import OnFull
from botstate.stores.orm.queues import OrmQueue, seq_of
from botstate.stores.orm.sqlite.facet import LIVE, Execute, SqliteFacet, integer

# A query without a FROM is not merged into the one around it, so `live` is decided once, by one reading of the clock.
GROW = """
INSERT INTO botstate_queuehead AS head (digest, namespace, label, depth, next_seq, expires_us)
VALUES (%(digest)s, %(namespace)s, %(label)s, 1, 1, botstate_now() + %(ttl)s)
ON CONFLICT (digest) DO UPDATE SET
       next_seq = head.next_seq + 1,
       (depth, expires_us) = (
           SELECT CASE WHEN live THEN head.depth + 1 ELSE 1 END,
                  COALESCE(EXCLUDED.expires_us, CASE WHEN live THEN head.expires_us END)
             FROM (SELECT head.depth > 0 AND COALESCE(head.expires_us > botstate_now(), TRUE) AS live))
RETURNING next_seq - 1, depth,
          depth = 1 AND EXISTS (SELECT 1 FROM botstate_queueitem WHERE head_id = %(digest)s)"""
# An empty queue does not exist: its head is the sweep's.
SHRINK = """
UPDATE botstate_queuehead
   SET depth = depth - %(count)s, expires_us = CASE WHEN depth > %(count)s THEN expires_us ELSE botstate_now() END
 WHERE digest = %(digest)s"""
ADD = """
INSERT INTO botstate_queueitem (head_id, seq, value, token, attempts) VALUES (%s, %s, %s, '', 0)"""
CLEAR = "DELETE FROM botstate_queueitem WHERE head_id = %s"
# The clock in a query of its own is read once, however many claimed items are passed over.
_WAITING = """
SELECT item.seq FROM botstate_queueitem AS item
 WHERE item.head_id = %(digest)s
   AND (item.lease_expires_us IS NULL OR item.lease_expires_us <= (SELECT botstate_now()))
 ORDER BY item.seq"""
_OF_LIVE_HEAD = f"EXISTS (SELECT 1 FROM botstate_queuehead WHERE digest = %(digest)s AND {LIVE})"  # noqa: S608
# The row of the item that is dropped becomes that of the new one.
REPLACE_OLDEST = f"""
UPDATE botstate_queueitem SET seq = %(seq)s, value = %(value)s, token = '', lease_expires_us = NULL, attempts = 0
 WHERE head_id = %(digest)s AND seq = ({_WAITING} LIMIT 1)"""  # noqa: S608
DROP_OLDEST = f"""
DELETE FROM botstate_queueitem WHERE head_id = %(digest)s AND seq IN ({_WAITING} LIMIT %(count)s) RETURNING 1"""  # noqa: S608
DROP_NEWEST = f"""
DELETE FROM botstate_queueitem WHERE head_id = %(digest)s AND seq IN ({_WAITING} DESC LIMIT %(count)s) RETURNING 1"""  # noqa: S608
TAKE = f"""
DELETE FROM botstate_queueitem
 WHERE head_id = %(digest)s AND {_OF_LIVE_HEAD} AND seq = ({_WAITING} LIMIT 1) RETURNING value"""  # noqa: S608
DEPTH = f"SELECT depth FROM botstate_queuehead WHERE digest = %s AND {LIVE}"  # noqa: S608
CLAIM = f"""
UPDATE botstate_queueitem
   SET token = seq || '-' || %(token)s, lease_expires_us = botstate_now() + %(lease)s, attempts = attempts + 1
 WHERE head_id = %(digest)s AND {_OF_LIVE_HEAD} AND seq = ({_WAITING} LIMIT 1) RETURNING value, token, attempts"""  # noqa: S608
_HELD = f"""
head_id = %(digest)s AND seq = %(seq)s AND token = %(token)s AND lease_expires_us > botstate_now()
   AND {_OF_LIVE_HEAD}"""
ACK = f"DELETE FROM botstate_queueitem WHERE {_HELD} RETURNING 1"  # noqa: S608
NACK = f"UPDATE botstate_queueitem SET token = '', lease_expires_us = NULL WHERE {_HELD} RETURNING 1"  # noqa: S608


class SqliteQueue(SqliteFacet, OrmQueue):
    """Queue rows. Claiming and giving back take one statement, the others two and BEGIN and COMMIT; more at a bound."""

    def _enqueue(self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None) -> int:
        digest, namespace, label = self._identity(address)
        head = {"digest": digest, "namespace": namespace, "label": label, "ttl": ttl_us}

        def enqueue(execute: Execute) -> int:
            seq, depth, has_expired_items = execute(GROW, head)[0]
            if has_expired_items:
                execute(CLEAR, (digest,))
            excess = 0 if max_size is None else depth - max_size
            if excess == 1 and on_full == "drop-oldest":
                # Where all others are claimed there is none to replace, and the new one is the oldest that waits.
                execute(REPLACE_OLDEST, {"digest": digest, "seq": seq, "value": text})
                dropped = 1
            elif excess == 1:
                dropped = 1
            else:
                execute(ADD, (digest, seq, text))
                drop = DROP_OLDEST if on_full == "drop-oldest" else DROP_NEWEST
                dropped = len(execute(drop, {"digest": digest, "count": integer(excess)})) if excess > 0 else 0
            if dropped:
                execute(SHRINK, {"digest": digest, "count": dropped})
            return int(depth) - dropped

        return self._together(enqueue)

    def _dequeue(self, address: Address) -> str | None:
        digest = address.digest

        def dequeue(execute: Execute) -> str | None:
            for (text,) in execute(TAKE, {"digest": digest}):
                execute(SHRINK, {"digest": digest, "count": 1})
                return str(text)
            return None

        return self._together(dequeue)

    def _depth(self, address: Address) -> int:
        row = self._row(DEPTH, (address.digest,))
        return 0 if row is None else row[0]

    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        parameters = {"digest": address.digest, "token": new_token(), "lease": lease_us}
        row = self._row_alone("claim", CLAIM, parameters)
        return None if row is None else (row[0], row[1], row[2])

    def _ack(self, address: Address, token: str) -> bool:
        digest = address.digest
        held = {"digest": digest, "seq": seq_of(token), "token": token}

        def ack(execute: Execute) -> bool:
            if not execute(ACK, held):
                return False
            execute(SHRINK, {"digest": digest, "count": 1})
            return True

        return self._together_alone("ack", ack)

    def _nack(self, address: Address, token: str) -> bool:
        parameters = {"digest": address.digest, "seq": seq_of(token), "token": token}
        return self._row_alone("nack", NACK, parameters) is not None
