"""Queues on PostgreSQL."""

from botstate.contracts.addresses import Address
from botstate.contracts.facet import new_token
from botstate.contracts.queues import OnFull
from botstate.stores.orm.postgresql.facet import FastFacet, integer
from botstate.stores.orm.queues import OrmQueue, seq_of

ENQUEUE = "SELECT botstate_queue_enqueue(%s, %s, %s, %s, %s, %s, %s)"
DEQUEUE = "SELECT botstate_queue_dequeue(%s)"
DEPTH = """
SELECT depth FROM botstate_queuehead WHERE digest = %s AND (expires_us IS NULL OR expires_us > botstate_now())"""
CLAIM = "SELECT value, token, attempts FROM botstate_queue_claim(%s, %s, %s)"
ACK = "SELECT botstate_queue_ack(%s, %s, %s)"
NACK = "SELECT botstate_queue_nack(%s, %s, %s)"


class FastQueue(FastFacet, OrmQueue):
    """Queue rows, one statement per operation."""

    def _enqueue(self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None) -> int:
        drop_newest = on_full == "drop-newest"
        depth = self._value(ENQUEUE, *self._identity(address), text, integer(max_size), drop_newest, integer(ttl_us))
        return int(depth)

    def _dequeue(self, address: Address) -> str | None:
        text: str | None = self._value(DEQUEUE, address.digest)
        return text

    def _depth(self, address: Address) -> int:
        return self._value(DEPTH, address.digest) or 0

    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        row = self._row_alone("claim", CLAIM, (address.digest, new_token(), integer(lease_us)))
        return None if row is None or row[1] is None else (row[0], row[1], row[2])

    def _ack(self, address: Address, token: str) -> bool:
        return self._end("ack", ACK, address, token)

    def _nack(self, address: Address, token: str) -> bool:
        return self._end("nack", NACK, address, token)

    def _end(self, method: str, sql: str, address: Address, token: str) -> bool:
        seq = seq_of(token)
        if seq is None:
            self._statements.refuse_inside_transaction(f"store.queue.{method}")
            return False
        return bool(self._value_alone(method, sql, address.digest, integer(seq), token))
