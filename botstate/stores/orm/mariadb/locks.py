"""Locks on MariaDB: the same row lock, taken and used within one statement."""

from botstate.contracts.addresses import Address
from botstate.stores.orm.locks import OrmLock
from botstate.stores.orm.mariadb.blocks import Block, block, lock_or_create
from botstate.stores.orm.mariadb.facet import FastFacet, instead_of, integer

# A lock that is held is found without a write.
ACQUIRE = block(
    "DECLARE is_taken INT; DECLARE holder VARCHAR(64);"
    " DECLARE last_fence, held_until, now_us, new_fence, new_until BIGINT;",
    """
{lock}
SET now_us = {clock};
IF holder = '' OR held_until <= now_us THEN
  SET new_fence = last_fence + 1, new_until = now_us + %(ttl)s;
  UPDATE botstate_lockrow SET token = %(token)s, fence = new_fence, expires_us = new_until WHERE digest = %(digest)s;
END IF;""",
    "new_fence, new_until",
    glance="""
SELECT 1 INTO is_taken FROM botstate_lockrow
 WHERE digest = %(digest)s AND token <> '' AND expires_us > {clock};""",
    lock=lock_or_create(
        "botstate_lockrow", "fence, token, expires_us", "last_fence, holder, held_until", "{clock}, '', 0"
    ),
)


def _held(whose: str, then: str) -> Block:
    """Return a Block that does `then` to a lock with a live lease, and says whether it did."""
    return block(
        "DECLARE held_until, now_us BIGINT; DECLARE is_held INT;",
        """
SELECT expires_us INTO held_until FROM botstate_lockrow WHERE digest = %(digest)s AND {whose} FOR UPDATE;
SET now_us = {clock}, is_held = held_until > now_us;
IF is_held THEN
  UPDATE botstate_lockrow SET {then} WHERE digest = %(digest)s;
END IF;""",
        "is_held",
        whose=whose,
        then=then,
    )


RELEASE = _held("token = %(token)s", "token = '', expires_us = now_us")
FORCE_RELEASE = _held("token <> ''", "token = '', expires_us = now_us")
EXTEND = _held("token = %(token)s", "expires_us = now_us + %(ttl)s")


class FastLock(FastFacet, OrmLock):
    """Lock rows, one statement per operation."""

    @instead_of(OrmLock._acquire)
    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        row = self._row_alone("acquire", ACQUIRE, address, token=token, ttl=integer(ttl_us))
        return None if row is None or row[0] is None else (row[0], row[1])

    @instead_of(OrmLock._release)
    def _release(self, address: Address, token: str) -> bool:
        return bool(self._value_alone("release", RELEASE, address, token=token))

    @instead_of(OrmLock._force_release)
    def _force_release(self, address: Address) -> bool:
        return bool(self._value_alone("force_release", FORCE_RELEASE, address))

    @instead_of(OrmLock._extend)
    def _extend(self, address: Address, token: str, ttl_us: int) -> bool:
        return bool(self._value_alone("extend", EXTEND, address, token=token, ttl=integer(ttl_us)))
