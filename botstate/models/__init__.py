"""botstate's tables."""

from botstate.models.actions import ActionSnapshot
from botstate.models.deliveries import Delivery
from botstate.models.inbox import Receipt, Turn
from botstate.models.stores import DedupEntry, KvEntry, ListHead, ListItem, LockRow, QueueHead, QueueItem
from botstate.models.threads import Thread, ThreadLease, ThreadState

__all__ = [
    "ActionSnapshot",
    "DedupEntry",
    "Delivery",
    "KvEntry",
    "ListHead",
    "ListItem",
    "LockRow",
    "QueueHead",
    "QueueItem",
    "Receipt",
    "Thread",
    "ThreadLease",
    "ThreadState",
    "Turn",
]
