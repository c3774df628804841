"""Deleting what has outlived its time: receipts, controls, ended turns, sent messages; and what the stores hold."""

import logging
from collections import Counter
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from botstate.conf import get_settings
from botstate.db.batches import by_index, lock_batch
from botstate.db.clock import now_us
from botstate.db.transactions import run_durable
from botstate.exceptions import StoreError
from botstate.models import ActionSnapshot, Delivery, Receipt, Turn
from botstate.stores import stores

logger = logging.getLogger("botstate.runtime")

BATCH = 200
#: In one run; at one a minute that is 300 rows a second of each kind.
SWEEP_LIMIT = 20_000
#: How long ended turns and their messages stay for the operator to see.
HISTORY_US = 30 * 86_400 * 1_000_000


def sweep_all(limit: int = SWEEP_LIMIT) -> dict[str, int]:
    """Sweep the runtime's tables and every store, at most `limit` rows of each kind; return how many went, by kind.

    A store that is away is logged, and keeps nothing else from being swept.
    """
    swept = Counter(_sweep_runtime(limit))
    for alias in stores:
        try:
            swept.update(stores[alias].sweep(limit))
        except StoreError as error:
            logger.error("store %r was not swept: %s", alias, type(error).__name__)
    return dict(swept)


def _sweep_runtime(limit: int) -> dict[str, int]:
    using = get_settings().database
    now = now_us(using)
    old = now - HISTORY_US
    # Messages go after their turn. One that can still be clicked stays, because its controls hang on it.
    ended = Delivery.objects.using(using).filter(status__in=[Delivery.Status.SENT, Delivery.Status.FAILED])
    controls = ActionSnapshot.objects.using(using).filter(delivery=OuterRef("pk"))
    doomed: dict[str, QuerySet[Any]] = {
        "receipts": Receipt.objects.using(using).filter(expires_us__lte=now),
        "actions": ActionSnapshot.objects.using(using).filter(expires_us__lte=now),
        "turns": Turn.objects.using(using).filter(finished_us__lte=old),
        "deliveries": ended.filter(~Exists(controls), turn=None),
    }
    return {name: _sweep(using, rows, limit) for name, rows in doomed.items()}


def _sweep(using: str, rows: "QuerySet[Any]", limit: int) -> int:
    def delete_batch(size: int) -> int:
        keys = lock_batch(using, rows, size)
        with by_index(using):
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
