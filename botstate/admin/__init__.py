"""The admin, read-only: what came in, what became of it, and every thread's typed state."""

from botstate.admin.receipts import ReceiptAdmin
from botstate.admin.threads import ThreadAdmin

__all__ = ["ReceiptAdmin", "ThreadAdmin"]
