"""Dedup on the ORM: a row per key, with a token while it is only claimed."""

from django.db.models import QuerySet

from botstate.contracts.addresses import Address
from botstate.contracts.dedup import DedupFacet, DedupStatus
from botstate.db.clock import StoreNow
from botstate.models.stores import DedupEntry
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.rows import identity, lock, lock_or_create


class OrmDedup(OrmFacet, DedupFacet):
    """Dedup rows."""

    @property
    def _rows(self) -> "QuerySet[DedupEntry]":
        return DedupEntry.objects.using(self._using)

    def _seen(self, address: Address, ttl_us: int) -> bool:
        return self._joined(lambda: not self._record(address, "", ttl_us))

    def _claim(self, address: Address, token: str, lease_us: int) -> bool:
        return self._durable(lambda: self._record(address, token, lease_us), "claim")

    def _record(self, address: Address, token: str, ttl_us: int) -> bool:
        """Write the entry if the key is new; True if it was."""
        row = lock_or_create(self._rows, DedupEntry(**identity(address), token=token, expires_us=0))
        now = self._now_us()
        if row.expires_us > now:
            return False
        self._save(row, token, now + ttl_us)
        return True

    def _commit(self, address: Address, token: str, ttl_us: int) -> bool:
        def commit() -> bool:
            row = lock(self._rows, address)
            now = self._now_us()
            if row is None or not self._is_claimed_by(row, token, now):
                return False
            self._save(row, "", now + ttl_us)
            return True

        return self._durable(commit, "commit")

    def _release(self, address: Address, token: str) -> bool:
        def release() -> bool:
            row = lock(self._rows, address)
            now = self._now_us()
            if row is None or not self._is_claimed_by(row, token, now):
                return False
            self._save(row, "", now)
            return True

        return self._durable(release, "release")

    def _check(self, address: Address) -> DedupStatus:
        live = self._rows.filter(pk=address.digest, expires_us__gt=StoreNow())
        token = self._read(lambda: live.values_list("token", flat=True).first())
        if token is None:
            return "new"
        return "claimed" if token else "done"

    def _save(self, row: DedupEntry, token: str, expires_us: int) -> None:
        row.token, row.expires_us = token, expires_us
        row.save(using=self._using, update_fields=["token", "expires_us"])

    @staticmethod
    def _is_claimed_by(row: DedupEntry, token: str, now_us: int) -> bool:
        return bool(token) and row.token == token and row.expires_us > now_us
