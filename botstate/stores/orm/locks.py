"""Locks on the ORM: a row with a time-to-live, taken under select_for_update, updated in place."""

from django.db.models import QuerySet

from botstate.contracts.addresses import Address
from botstate.contracts.locks import LockFacet
from botstate.models.stores import LockRow
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.rows import identity, lock, lock_or_create


class OrmLock(OrmFacet, LockFacet):
    """Lock rows. Releasing clears the token and keeps the row: deleting it would cost MariaDB deadlocks, and the fence.

    A row that is made anew starts its fence at the clock's microseconds since 1970, above any fence that an earlier
    row of the key can have reached.
    """

    @property
    def _rows(self) -> "QuerySet[LockRow]":
        return LockRow.objects.using(self._using)

    def _acquire(self, address: Address, token: str, ttl_us: int) -> tuple[int, int] | None:
        def acquire() -> tuple[int, int] | None:
            fresh = LockRow(**identity(address), token="", fence=self._now_us(), expires_us=0)
            row = lock_or_create(self._rows, fresh)
            now = self._now_us()
            if row.token and row.expires_us > now:
                return None
            row.token, row.fence, row.expires_us = token, row.fence + 1, now + ttl_us
            row.save(using=self._using)
            return row.fence, row.expires_us

        return self._durable(acquire, "acquire")

    def _release(self, address: Address, token: str) -> bool:
        return self._end(address, token, "release")

    def _force_release(self, address: Address) -> bool:
        return self._end(address, None, "force_release")

    def _extend(self, address: Address, token: str, ttl_us: int) -> bool:
        def extend() -> bool:
            row = self._held(address, token)
            if row is None:
                return False
            row.expires_us = self._now_us() + ttl_us
            row.save(using=self._using, update_fields=["expires_us"])
            return True

        return self._durable(extend, "extend")

    def _end(self, address: Address, token: str | None, method: str) -> bool:
        def end() -> bool:
            row = self._held(address, token)
            if row is None:
                return False
            row.token, row.expires_us = "", self._now_us()
            row.save(using=self._using, update_fields=["token", "expires_us"])
            return True

        return self._durable(end, method)

    def _held(self, address: Address, token: str | None) -> LockRow | None:
        """Return the locked row if a live lease is on it, of `token` unless that is None."""
        row = lock(self._rows, address)
        if row is None or not row.token or row.expires_us <= self._now_us():
            return None
        return row if token is None or row.token == token else None
