"""kv on the ORM: one row per key."""

from django.db.models import Q, QuerySet

from botstate.contracts.addresses import Address
from botstate.contracts.kv import KvFacet
from botstate.db.clock import StoreNow
from botstate.models.stores import KvEntry
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.rows import identity, is_expired, lock, lock_or_create


class OrmKv(OrmFacet, KvFacet):
    """kv rows, replaced under their row lock."""

    @property
    def _rows(self) -> "QuerySet[KvEntry]":
        return KvEntry.objects.using(self._using)

    def _get(self, address: Address) -> str | None:
        live = self._rows.filter(Q(expires_us=None) | Q(expires_us__gt=StoreNow()), pk=address.digest)
        return self._read(lambda: live.values_list("value", flat=True).first())

    def _set(self, address: Address, text: str, ttl_us: int | None) -> None:
        def replace() -> None:
            row = lock_or_create(self._rows, KvEntry(**identity(address), value=text, expires_us=0))
            row.value = text
            row.expires_us = None if ttl_us is None else self._now_us() + ttl_us
            row.save(using=self._using, update_fields=["value", "expires_us"])

        self._joined(replace)

    def _delete(self, address: Address) -> bool:
        return self._take(address) is not None

    def _consume(self, address: Address) -> str | None:
        return self._take(address)

    def _take(self, address: Address) -> str | None:
        def take() -> str | None:
            row = lock(self._rows, address)
            if row is None:
                return None
            expired = is_expired(row.expires_us, self._now_us())
            row.delete(using=self._using)
            return None if expired else row.value

        return self._joined(take)
