"""Who holds a thread, judged by the store's clock."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from botstate.admin.chips import chip
from botstate.admin.moments import relative, span
from botstate.models import Thread, ThreadLease
from botstate.models.threads import LeaseRow


def lease_of(thread: Thread) -> ThreadLease | None:
    """Return the thread's lease row; None before its first turn. No query where it was selected with the thread."""
    return getattr(thread, "lease", None)


def is_held(lease: LeaseRow | None, now_us: int) -> bool:
    """True while a worker's lease lives."""
    return lease is not None and bool(lease.token) and lease.expires_us > now_us


def lock_text(lease: ThreadLease | None, now_us: int) -> SafeString:
    """Return "free", who holds the thread and for how long, or who let it lapse (its worker died or hung)."""
    if lease is None or not lease.token:
        return chip("quiet", "free")
    holder = lease.holder or "an unnamed worker"
    if lease.expires_us > now_us:
        left = span(lease.expires_us - now_us)
        return format_html("{} by {}, fence {}, {} left", chip("busy", "held"), holder, lease.fence, left)
    lapsed = relative(lease.expires_us, now_us)
    return format_html("{} {} from {}, fence {}", chip("warning", "lapsed"), lapsed, holder, lease.fence)
