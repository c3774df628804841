"""What an operator should know of a thread at a glance: counted in the same query that finds the threads."""

from dataclasses import dataclass, fields
from typing import Any

from django.db.models import BigIntegerField, Count, Expression, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from botstate.admin.chips import chip
from botstate.admin.moments import SECOND_US, span
from botstate.admin.wording import counted
from botstate.db.clock import StoreNow
from botstate.models import Delivery, Thread, ThreadLease, Turn

#: A turn that is due for so long, and that nobody holds the thread for, is stuck: no worker or no beat runs.
STUCK_AFTER_US = 60 * SECOND_US
UNSENT = (Delivery.Status.WAITING, Delivery.Status.SENDING)


@dataclass(frozen=True, slots=True)
class Tally:
    """A thread's open ends, as annotations of one query.

    now_us: the store's clock when the row was read. next_due_us: since when the thread's first open turn is due; None
    without open turns.
    """

    now_us: int
    open_turns: int
    retried_turns: int
    dead_turns: int
    unsent_deliveries: int
    failed_deliveries: int
    next_due_us: int | None

    @classmethod
    def of(cls, thread: Thread) -> "Tally":
        """Return the tally of a thread that `with_tally` found."""
        return cls(**{name.name: getattr(thread, f"tally_{name.name}") for name in fields(cls)})


def with_tally(threads: "QuerySet[Thread]") -> "QuerySet[Any]":
    """Annotate threads with their Tally, their lease and their state; one query, whatever their number."""
    turns = Turn.objects.filter(thread=OuterRef("pk")).order_by()
    deliveries = Delivery.objects.filter(thread=OuterRef("pk")).order_by()
    first_open = turns.open().order_by("sequence").annotate(since_us=Greatest("due_us", "received_us"))
    found: dict[str, Expression | Subquery] = {
        "now_us": StoreNow(),
        "open_turns": _count(turns.open()),
        "retried_turns": _count(turns.filter(status=Turn.Status.FAILED)),
        "dead_turns": _count(turns.filter(status=Turn.Status.DEAD)),
        "unsent_deliveries": _count(deliveries.filter(status__in=UNSENT)),
        "failed_deliveries": _count(deliveries.filter(status=Delivery.Status.FAILED)),
        "next_due_us": Subquery(first_open.values("since_us")[:1], output_field=BigIntegerField()),
    }
    named = {f"tally_{name}": expression for name, expression in found.items()}
    return threads.select_related("lease", "stored_state").annotate(**named)


def narrow(threads: "QuerySet[Any]", wanted: str) -> "QuerySet[Any]":
    """Keep the threads with open ends of one kind of `NARROWED`, or of any that will not end by itself ("any")."""
    turns, deliveries = Turn.objects.order_by(), Delivery.objects.order_by()
    held = ThreadLease.objects.filter(expires_us__gt=StoreNow()).exclude(token="")
    long_ago = StoreNow() - Value(STUCK_AFTER_US)
    # Sets of ids, each found once, where a question per thread would be asked as often as there are threads.
    kinds = {
        "dead": _among(turns.filter(status=Turn.Status.DEAD)),
        "failed": _among(deliveries.filter(status=Delivery.Status.FAILED)),
        "stuck": _among(turns.open().filter(received_us__lt=long_ago, due_us__lt=long_ago)) & ~_among(held),
        "waiting": _among(turns.open()) | _among(deliveries.filter(status__in=UNSENT)),
    }
    if wanted == "any":
        return threads.filter(kinds["dead"] | kinds["failed"] | kinds["stuck"])
    return threads.filter(kinds[wanted]) if wanted in kinds else threads


NARROWED = [
    ("any", "Yes: dead, failed or stuck"),
    ("dead", "Dead turns"),
    ("failed", "Failed deliveries"),
    ("stuck", "Stuck: due for a minute, not held"),
    ("waiting", "Waiting, or unsent"),
]


def flags(tally: Tally, *, is_held: bool) -> SafeString:
    """Return chips for what needs a look, worst first; empty when nothing does."""
    found: list[SafeString] = []
    if tally.dead_turns:
        found.append(chip("bad", counted(tally.dead_turns, "dead turn")))
    if tally.failed_deliveries:
        failed = tally.failed_deliveries
        found.append(chip("bad", f"{failed} failed {'delivery' if failed == 1 else 'deliveries'}"))
    late_us = tally.now_us - tally.next_due_us if tally.next_due_us is not None else 0
    if late_us > STUCK_AFTER_US and not is_held:
        found.append(chip("bad", f"stuck: due for {span(late_us)}, no worker has it"))
    if tally.retried_turns:
        found.append(chip("warning", f"{counted(tally.retried_turns, 'turn')} to be retried"))
    if tally.unsent_deliveries:
        found.append(chip("waiting", f"{tally.unsent_deliveries} unsent"))
    return format_html_join(" ", "{}", ((flag,) for flag in found))


def _among(rows: "QuerySet[Any]") -> Q:
    return Q(pk__in=rows.values("thread"))


def _count(rows: "QuerySet[Any]") -> Coalesce:
    # Grouped by the thread, so that the subquery has one row, or none.
    counts = rows.values("thread").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counts, output_field=BigIntegerField()), Value(0))
