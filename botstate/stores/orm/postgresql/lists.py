"""Lists on PostgreSQL."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.lists import OrmList
from botstate.stores.orm.postgresql.facet import MOST, FastFacet, integer

APPEND = "SELECT botstate_list_append(%s, %s, %s, %s, %s, %s)"
TRIM = "SELECT botstate_list_trim(%s, %s)"
DELETE = "SELECT botstate_list_delete(%s)"
# One statement has one snapshot, so the head's counters and the items are of one moment without a lock. The texts come
# as one, in their order: a row for each takes server and driver longer.
RANGE = """
SELECT string_agg(value, ',') FROM (
       SELECT value FROM botstate_listitem
        WHERE head_id = %(digest)s
          AND seq >= (SELECT next_seq - length + %(start)s::bigint FROM botstate_listhead
                       WHERE digest = %(digest)s AND (expires_us IS NULL OR expires_us > botstate_now()))
          AND seq <= (SELECT next_seq - length + %(stop)s::bigint FROM botstate_listhead WHERE digest = %(digest)s)
        ORDER BY seq) AS item"""


class FastList(FastFacet, OrmList):
    """List rows, one statement per operation; reading waits for nobody."""

    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int:
        length = self._value(APPEND, *self._identity(address), text, integer(max_len), integer(ttl_us))
        return int(length)

    def _range(self, address: Address, start: int, stop: int | None) -> list[str]:
        last = integer(MOST if stop is None else stop)
        ((texts,),) = self._statements.join(RANGE, {"digest": address.digest, "start": integer(start), "stop": last})
        return [] if texts is None else [texts]

    def _trim(self, address: Address, max_len: int) -> None:
        self._value(TRIM, address.digest, integer(max_len))

    def _delete(self, address: Address) -> bool:
        return bool(self._value(DELETE, address.digest))
