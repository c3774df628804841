"""Lists on the ORM: a head row with the counters, one row per item."""

from django.db.models import F, Q, QuerySet, Subquery

from botstate.contracts.addresses import Address
from botstate.contracts.lists import ListFacet
from botstate.db.batches import by_index
from botstate.db.clock import StoreNow
from botstate.models.stores import ListHead, ListItem
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.rows import MOST, identity, is_expired, lock, lock_or_create


class OrmList(OrmFacet, ListFacet):
    """List rows. The items of a list are the `length` ones below the head's `next_seq`, without gaps."""

    @property
    def _heads(self) -> "QuerySet[ListHead]":
        return ListHead.objects.using(self._using)

    def _items(self, head: ListHead) -> "QuerySet[ListItem]":
        return ListItem.objects.using(self._using).filter(head_id=head.pk)

    def _append(self, address: Address, text: str, max_len: int | None, ttl_us: int | None) -> int:
        def append() -> int:
            head = lock_or_create(self._heads, ListHead(**identity(address)))
            now = self._now_us()
            if head.length == 0 or is_expired(head.expires_us, now):
                self._drop_oldest(head, head.length)
                head.expires_us = None
            ListItem.objects.using(self._using).bulk_create([ListItem(head_id=head.pk, seq=head.next_seq, value=text)])
            head.next_seq += 1
            head.length += 1
            if max_len is not None:
                self._drop_oldest(head, head.length - max_len)
            if ttl_us is not None:
                head.expires_us = now + ttl_us
            head.save(using=self._using)
            return head.length

        return self._joined(append)

    def _range(self, address: Address, start: int, stop: int | None) -> list[str]:
        # One statement has one snapshot, so the head's counters and the items are of one moment without a lock.
        live = self._heads.filter(Q(expires_us=None) | Q(expires_us__gt=StoreNow()), pk=address.digest)
        first = live.annotate(first=F("next_seq") - F("length")).values("first")
        items = ListItem.objects.using(self._using).filter(
            head__digest=address.digest, seq__gte=Subquery(first) + min(start, MOST)
        )
        if stop is not None:
            items = items.filter(seq__lte=Subquery(first) + min(stop, MOST))
        return self._read(lambda: list(items.order_by("seq").values_list("value", flat=True)))

    def _trim(self, address: Address, max_len: int) -> None:
        def trim() -> None:
            head = lock(self._heads, address)
            if head is None:
                return
            self._drop_oldest(head, head.length - max_len)
            if head.length == 0:
                # An empty list does not exist: its head is the sweep's.
                head.expires_us = self._now_us()
            head.save(using=self._using)

        self._joined(trim)

    def _delete(self, address: Address) -> bool:
        def delete() -> bool:
            head = lock(self._heads, address)
            if head is None:
                return False
            was_live = head.length > 0 and not is_expired(head.expires_us, self._now_us())
            with by_index(self._using):
                self._items(head).delete()
            head.delete(using=self._using)
            return was_live

        return self._joined(delete)

    def _drop_oldest(self, head: ListHead, count: int) -> None:
        if count <= 0:
            return
        doomed = self._items(head)
        if count < head.length:
            # Else the end of a range would be found by locking what follows it, another list's item.
            doomed = doomed.filter(seq__lt=head.next_seq - head.length + count)
        with by_index(self._using):
            doomed.delete()
        head.length -= count
