"""Deleting what has outlived its time: receipts, controls, ended turns, sent messages; and what the stores hold."""

from collections import Counter
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from botstate.conf import get_settings
from botstate.contracts.stores import DEFAULT_SWEEP_LIMIT
from botstate.db.batches import lock_batch
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.models import ActionSnapshot, Delivery, Receipt, Turn
from botstate.stores import stores

BATCH = 200
#: How long ended turns and their messages stay for the operator to see.
HISTORY_US = 30 * 86_400 * 1_000_000


def sweep_all(limit: int = DEFAULT_SWEEP_LIMIT) -> dict[str, int]:
    """Sweep every store and the runtime's own tables, at most `limit` rows of each; return how many went, by kind."""
    swept: Counter[str] = Counter()
    for alias in stores:
        swept.update(stores[alias].sweep(limit))
    swept.update(_sweep_runtime(limit))
    return dict(swept)


def _sweep_runtime(limit: int) -> dict[str, int]:
    using = get_settings().database
    now = now_us(using)
    old = now - HISTORY_US
    # A message that can still be clicked stays, because its controls hang on it.
    ended = Delivery.objects.using(using).filter(status__in=[Delivery.Status.SENT, Delivery.Status.FAILED])
    controls = ActionSnapshot.objects.using(using).filter(delivery=OuterRef("pk"))
    doomed: dict[str, QuerySet[Any]] = {
        "receipts": Receipt.objects.using(using).filter(expires_us__lte=now),
        "actions": ActionSnapshot.objects.using(using).filter(expires_us__lte=now),
        "deliveries": ended.filter(~Exists(controls), created_us__lte=old),
        "turns": Turn.objects.using(using).filter(finished_us__lte=old),
    }
    return {name: _sweep(using, rows, limit) for name, rows in doomed.items()}


def _sweep(using: str, rows: "QuerySet[Any]", limit: int) -> int:
    def delete_batch(size: int) -> int:
        keys = lock_batch(using, rows, size)
        rows.model._default_manager.using(using).filter(pk__in=keys).delete()
        return len(keys)

    swept = 0
    while swept < limit:
        size = min(BATCH, limit - swept)
        batch = run_durable(using, partial(delete_batch, size), "sweeping")
        swept += batch
        if batch < size:
            break
    return swept
