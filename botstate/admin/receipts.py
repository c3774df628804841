"""Receipts: how every accepted event ended."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from botstate.admin.chips import chip, turn_chip
from botstate.admin.filters import FewValuesFilter, OutcomeFilter
from botstate.admin.moments import moment
from botstate.admin.readonly import ReadOnlyAdmin
from botstate.admin.wording import shortened, visible
from botstate.db.clock import StoreNow
from botstate.models import Receipt, Turn


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """One row per accepted event, as long as its redelivery would be recognised: what it is, and how it ended."""

    list_display = ("event", "outcome", "reason", "received", "bot", "platform", "workspace", "expires")
    list_filter = (
        OutcomeFilter,
        ("bot", FewValuesFilter),
        ("platform", FewValuesFilter),
        ("workspace", FewValuesFilter),
    )
    search_fields = ("identity", "=workspace")
    search_help_text = "A part of the event's identity, or a whole workspace."
    ordering = ("-received_us",)
    fields = ("full_identity", "bot", "platform", "workspace", "outcome", "reason", "received", "expires")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        receipts = super().get_queryset(request).select_related("turn").defer("turn__event")
        found: QuerySet[Any] = receipts.annotate(now_us=StoreNow())
        return found

    @admin.display(description="identity", ordering="identity")
    def event(self, receipt: Receipt) -> str:
        return shortened(receipt.identity, 100)

    @admin.display(description="identity")
    def full_identity(self, receipt: Receipt) -> str:
        return visible(receipt.identity)

    @admin.display(description="outcome")
    def outcome(self, receipt: Receipt) -> SafeString:
        """Show the turn's status, linked to its thread."""
        if receipt.ignored:
            return chip("quiet", "ignored")
        turn = _turn_of(receipt)
        if turn is None:
            return chip("quiet", "its turn was deleted")
        url = reverse("admin:botstate_thread_change", args=[turn.thread_id], current_app=self.admin_site.name)
        return format_html('{} <a href="{}">turn #{}</a>', turn_chip(turn.status), url, turn.sequence)

    @admin.display(description="reason")
    def reason(self, receipt: Receipt) -> str:
        turn = _turn_of(receipt)
        return visible(receipt.ignored or (turn.reason or turn.error_type if turn else "")) or "–"

    @admin.display(description="received", ordering="received_us")
    def received(self, receipt: Receipt) -> SafeString:
        return moment(receipt.received_us, _now_us(receipt))

    @admin.display(description="expires", ordering="expires_us")
    def expires(self, receipt: Receipt) -> SafeString:
        return moment(receipt.expires_us, _now_us(receipt))


def _turn_of(receipt: Receipt) -> Turn | None:
    return getattr(receipt, "turn", None)


def _now_us(receipt: Receipt) -> int:
    """Return the store's clock when the row was read, an annotation."""
    now_us: int = vars(receipt)["now_us"]
    return now_us
