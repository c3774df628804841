"""botstate's tables."""

from botstate.models.actions import ActionSnapshot, PendingChoice
from botstate.models.deliveries import Delivery
from botstate.models.inbox import Receipt, Turn, TurnLease
from botstate.models.stores import (
    DedupEntry,
    KeyedEntry,
    KeyedHead,
    KvEntry,
    ListHead,
    ListItem,
    LockRow,
    QueueHead,
    QueueItem,
)
from botstate.models.threads import Thread, ThreadLease, ThreadState

__all__ = [
    "ActionSnapshot",
    "DedupEntry",
    "Delivery",
    "KeyedEntry",
    "KeyedHead",
    "KvEntry",
    "ListHead",
    "ListItem",
    "LockRow",
    "PendingChoice",
    "QueueHead",
    "QueueItem",
    "Receipt",
    "Thread",
    "ThreadLease",
    "ThreadState",
    "Turn",
    "TurnLease",
]
