"""Times as people read them: microseconds since 1970 by the store's clock, shown in the project's time zone."""

from datetime import timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from botstate.admin.chips import quiet
from botstate.db.clock import EPOCH

MILLISECOND_US = 1_000
TENTH_US = 100_000
SECOND_US = 1_000_000
FEW_SECONDS = 10
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def clock_time(at_us: int) -> SafeString:
    """Return a time as HTML: date, time and zone. The zone is the current one, whether USE_TZ is on or off."""
    local = timezone.localtime(EPOCH + timedelta(microseconds=at_us))
    return format_html(
        '<time datetime="{}">{} <span class="bs-zone">{}</span></time>',
        local.isoformat(timespec="milliseconds"),
        local.strftime("%Y-%m-%d %H:%M:%S"),
        local.tzname() or "",
    )


def moment(at_us: int | None, now_us: int) -> SafeString:
    """Return a time as HTML, and how far from `now_us` it is. None is a dash."""
    if at_us is None:
        return quiet("–")
    return format_html('{} <span class="bs-relative">({})</span>', clock_time(at_us), relative(at_us, now_us))


def later(at_us: int | None, first_us: int) -> SafeString:
    """Return a time of day as HTML, and how long after `first_us`, which is shown beside it, it is. None is a dash."""
    if at_us is None:
        return quiet("–")
    local = timezone.localtime(EPOCH + timedelta(microseconds=at_us))
    return format_html(
        '<time datetime="{}">{}</time> <span class="bs-relative">({} later)</span>',
        local.isoformat(timespec="milliseconds"),
        local.strftime("%H:%M:%S"),
        span(at_us - first_us),
    )


def relative(at_us: int, now_us: int) -> str:
    """Return "3 min ago", "in 12 s" or "just now"."""
    apart = now_us - at_us
    if abs(apart) < SECOND_US:
        return "just now"
    return f"{span(apart)} ago" if apart > 0 else f"in {span(-apart)}"


def span(length_us: int) -> str:
    """Return a length of time in its largest fitting unit: "340 ms", "1.2 s", "12 s", "5 min", "3 h", "2 d"."""
    if length_us < SECOND_US:
        return f"{max(length_us, 0) // MILLISECOND_US} ms"
    seconds = length_us // SECOND_US
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds}.{length_us // TENTH_US % 10} s" if seconds < FEW_SECONDS else f"{seconds} s"
