"""Queues on MariaDB."""

from botstate.contracts.addresses import Address
from botstate.contracts.facet import new_token
from botstate.contracts.queues import OnFull
from botstate.stores.orm.mariadb.blocks import Block, block, lock_or_create, plain
from botstate.stores.orm.mariadb.facet import FastFacet, instead_of, integer
from botstate.stores.orm.queues import OrmQueue, seq_of

HEAD = "DECLARE old_depth, until_us, now_us, place, last_place BIGINT; DECLARE is_live INT;"
LOCK_HEAD = """
SELECT depth, expires_us INTO old_depth, until_us FROM botstate_queuehead WHERE digest = %(digest)s FOR UPDATE;
SET now_us = {clock}, is_live = old_depth > 0 AND (until_us IS NULL OR until_us > now_us);"""
# Read with a lock: the caller's transaction may look at a snapshot from before the head was locked.
WAITING = """
FROM botstate_queueitem WHERE head_id = %(digest)s AND (lease_expires_us IS NULL OR lease_expires_us <= now_us)"""
# An empty queue does not exist: its head expires.
SHORTEN = """
UPDATE botstate_queuehead SET depth = old_depth - 1, expires_us = IF(old_depth > 1, until_us, now_us)
 WHERE digest = %(digest)s;"""

# Next to one that was dropped there is mostly another: to search from the end would step over all that went before it.
# To search beyond it would lock the neighbour's first item too.
ENQUEUE = block(
    HEAD,
    """
{lock}
SET now_us = {clock};
IF old_depth = 0 THEN
  SET until_us = NULL;
ELSEIF until_us <= now_us THEN
  DELETE FROM botstate_queueitem WHERE head_id = %(digest)s;
  SET old_depth = 0, until_us = NULL;
END IF;
INSERT INTO botstate_queueitem (head_id, seq, value, token, attempts)
VALUES (%(digest)s, last_place, %(value)s, '', 0);
SET old_depth = old_depth + 1;
SET place = NULL;
dropping: WHILE old_depth > %(max_size)s DO
  SET place = place + IF(%(drop_newest)s, -1, 1);
  DELETE {waiting} AND seq = place;
  IF ROW_COUNT() = 0 THEN
    SET place = NULL;
    IF %(drop_newest)s THEN
      SELECT seq INTO place {waiting} ORDER BY seq DESC LIMIT 1 FOR UPDATE;
    ELSE
      SELECT seq INTO place {waiting} ORDER BY seq LIMIT 1 FOR UPDATE;
    END IF;
    IF place IS NULL THEN
      LEAVE dropping;
    END IF;
    DELETE FROM botstate_queueitem WHERE head_id = %(digest)s AND seq = place;
  END IF;
  SET old_depth = old_depth - 1;
END WHILE;
UPDATE botstate_queuehead
   SET depth = old_depth, next_seq = last_place + 1, expires_us = COALESCE(now_us + %(ttl)s, until_us)
 WHERE digest = %(digest)s;""",
    "old_depth",
    lock=lock_or_create(
        "botstate_queuehead", "depth, next_seq, expires_us", "old_depth, last_place, until_us", "0, 0, NULL"
    ),
    waiting=WAITING,
)
DEQUEUE = block(
    f"{HEAD} DECLARE taken LONGTEXT;",
    """
{lock_head}
IF is_live THEN
  SELECT seq, value INTO place, taken {waiting} ORDER BY seq LIMIT 1 FOR UPDATE;
  IF place IS NOT NULL THEN
    DELETE FROM botstate_queueitem WHERE head_id = %(digest)s AND seq = place;
    {shorten}
  END IF;
END IF;""",
    "taken",
    lock_head=LOCK_HEAD,
    waiting=WAITING,
    shorten=SHORTEN,
)
DEPTH = plain("""
SELECT depth FROM botstate_queuehead WHERE digest = %(digest)s AND (expires_us IS NULL OR expires_us > {clock})""")
CLAIM = block(
    f"{HEAD} DECLARE taken LONGTEXT; DECLARE attempt INT;",
    """
{lock_head}
IF is_live THEN
  SELECT seq, value, attempts + 1 INTO place, taken, attempt {waiting} ORDER BY seq LIMIT 1 FOR UPDATE;
  IF place IS NOT NULL THEN
    UPDATE botstate_queueitem
       SET token = CONCAT(place, '-', %(secret)s), lease_expires_us = now_us + %(lease)s, attempts = attempt
     WHERE head_id = %(digest)s AND seq = place;
  END IF;
END IF;""",
    "taken, place, attempt",
    lock_head=LOCK_HEAD,
    waiting=WAITING,
)


def _ending(change: str, then: str) -> Block:
    """Return a Block that makes a `change` to the item under a live claim and then `then`; it says whether it did."""
    return block(
        f"{HEAD} DECLARE is_ended INT;",
        """
{lock_head}
IF is_live THEN
  {change} WHERE head_id = %(digest)s AND seq = %(place)s AND token = %(token)s AND lease_expires_us > now_us;
  SET is_ended = ROW_COUNT() > 0;
  IF is_ended THEN
    {then}
  END IF;
END IF;""",
        "is_ended",
        lock_head=LOCK_HEAD,
        change=change,
        then=then,
    )


ACK = _ending("DELETE FROM botstate_queueitem", SHORTEN)
NACK = _ending("UPDATE botstate_queueitem SET token = '', lease_expires_us = NULL", "DO 0;")


class FastQueue(FastFacet, OrmQueue):
    """Queue rows, one statement per operation."""

    @instead_of(OrmQueue._enqueue)
    def _enqueue(self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None) -> int:
        depth = self._value(
            ENQUEUE,
            address,
            value=text,
            max_size=integer(max_size),
            drop_newest=on_full == "drop-newest",
            ttl=integer(ttl_us),
        )
        return int(depth)

    @instead_of(OrmQueue._dequeue)
    def _dequeue(self, address: Address) -> str | None:
        text: str | None = self._value(DEQUEUE, address)
        return text

    @instead_of(OrmQueue._depth)
    def _depth(self, address: Address) -> int:
        return self._value(DEPTH, address) or 0

    @instead_of(OrmQueue._claim)
    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        secret = new_token()
        row = self._row_alone("claim", CLAIM, address, secret=secret, lease=integer(lease_us))
        return None if row is None or row[1] is None else (row[0], f"{row[1]}-{secret}", row[2])

    @instead_of(OrmQueue._ack)
    def _ack(self, address: Address, token: str) -> bool:
        return self._end("ack", ACK, address, token)

    @instead_of(OrmQueue._nack)
    def _nack(self, address: Address, token: str) -> bool:
        return self._end("nack", NACK, address, token)

    def _end(self, method: str, block: Block, address: Address, token: str) -> bool:
        place = seq_of(token)
        if place is None:
            self._statements.refuse_inside_transaction(f"store.queue.{method}")
            return False
        return bool(self._value_alone(method, block, address, place=place, token=token))
