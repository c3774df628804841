"""Queues on the ORM: a head row with the counters, one row per item."""

from django.db.models import Q, QuerySet

from botstate.contracts.addresses import Address
from botstate.contracts.facet import new_token
from botstate.contracts.queues import OnFull, QueueFacet
from botstate.db.batches import by_index
from botstate.db.clock import StoreNow
from botstate.models.stores import QueueHead, QueueItem
from botstate.stores.orm.facet import OrmFacet
from botstate.stores.orm.rows import identity, is_expired, lock, lock_or_create


class OrmQueue(OrmFacet, QueueFacet):
    """Queue rows. Every operation locks the head first and reads the items after that.

    A claim's token begins with the item's `seq`, so that the item is found by its primary key.
    """

    @property
    def _heads(self) -> "QuerySet[QueueHead]":
        return QueueHead.objects.using(self._using)

    def _items(self, head: QueueHead) -> "QuerySet[QueueItem]":
        return QueueItem.objects.using(self._using).filter(head_id=head.pk).order_by("seq")

    def _waiting(self, head: QueueHead, now: int) -> "QuerySet[QueueItem]":
        return self._items(head).filter(Q(lease_expires_us=None) | Q(lease_expires_us__lte=now))

    def _enqueue(self, address: Address, text: str, max_size: int | None, on_full: OnFull, ttl_us: int | None) -> int:
        def enqueue() -> int:
            head = lock_or_create(self._heads, QueueHead(**identity(address)))
            now = self._now_us()
            if head.depth == 0 or is_expired(head.expires_us, now):
                with by_index(self._using):
                    self._items(head).delete()
                head.depth, head.expires_us = 0, None
            QueueItem.objects.using(self._using).bulk_create(
                [QueueItem(head_id=head.pk, seq=head.next_seq, value=text)]
            )
            head.next_seq += 1
            head.depth += 1
            if max_size is not None and head.depth > max_size:
                self._drop(head, head.depth - max_size, on_full, now)
            if ttl_us is not None:
                head.expires_us = now + ttl_us
            head.save(using=self._using)
            return head.depth

        return self._joined(enqueue)

    def _drop(self, head: QueueHead, count: int, on_full: OnFull, now: int) -> None:
        order = "seq" if on_full == "drop-oldest" else "-seq"
        dropped = list(self._waiting(head, now).order_by(order).values_list("seq", flat=True)[:count])
        with by_index(self._using):
            self._items(head).filter(seq__in=dropped).delete()
        head.depth -= len(dropped)

    def _dequeue(self, address: Address) -> str | None:
        def dequeue() -> str | None:
            head = self._live_head(address)
            item = self._waiting(head, self._now_us()).first() if head else None
            if head is None or item is None:
                return None
            self._remove(head, item)
            return item.value

        return self._joined(dequeue)

    def _depth(self, address: Address) -> int:
        live = self._heads.filter(Q(expires_us=None) | Q(expires_us__gt=StoreNow()), pk=address.digest)
        return self._read(lambda: live.values_list("depth", flat=True).first()) or 0

    def _claim(self, address: Address, lease_us: int) -> tuple[str, str, int] | None:
        def claim() -> tuple[str, str, int] | None:
            head = self._live_head(address)
            now = self._now_us()
            item = self._waiting(head, now).first() if head else None
            if item is None:
                return None
            item.token, item.lease_expires_us = f"{item.seq}-{new_token()}", now + lease_us
            item.attempts += 1
            item.save(using=self._using, update_fields=["token", "lease_expires_us", "attempts"])
            return item.value, item.token, item.attempts

        return self._durable(claim, "claim")

    def _ack(self, address: Address, token: str) -> bool:
        def ack() -> bool:
            head = self._live_head(address)
            item = self._claimed(head, token) if head else None
            if head is None or item is None:
                return False
            self._remove(head, item)
            return True

        return self._durable(ack, "ack")

    def _nack(self, address: Address, token: str) -> bool:
        def nack() -> bool:
            head = self._live_head(address)
            item = self._claimed(head, token) if head else None
            if item is None:
                return False
            item.token, item.lease_expires_us = "", None
            item.save(using=self._using, update_fields=["token", "lease_expires_us"])
            return True

        return self._durable(nack, "nack")

    def _live_head(self, address: Address) -> QueueHead | None:
        head = lock(self._heads, address)
        return None if head is None or is_expired(head.expires_us, self._now_us()) else head

    def _claimed(self, head: QueueHead, token: str) -> QueueItem | None:
        """Return the item under a live claim of `token`."""
        seq = seq_of(token)
        if seq is None:
            return None
        return self._items(head).filter(seq=seq, token=token, lease_expires_us__gt=self._now_us()).first()

    def _remove(self, head: QueueHead, item: QueueItem) -> None:
        self._items(head).filter(seq=item.seq).delete()
        head.depth -= 1
        if head.depth == 0:
            # An empty queue does not exist: its head is the sweep's.
            head.expires_us = self._now_us()
        head.save(using=self._using, update_fields=["depth", "expires_us"])


def seq_of(token: str) -> int | None:
    """Return the `seq` that a claim's token begins with; None for one that no ORM queue has made."""
    seq, dash, _ = token.partition("-")
    return int(seq) if dash else None
