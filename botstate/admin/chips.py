"""Chips: a state in a word, with a sign and a colour, of which the word alone says all; and words without weight."""

from typing import Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from botstate.models import Delivery, Turn

Tone = Literal["good", "busy", "waiting", "warning", "bad", "quiet"]

_SIGNS: dict[Tone, str] = {"good": "✓", "busy": "▶", "waiting": "…", "warning": "!", "bad": "✕", "quiet": "–"}
_TURN_TONES: dict[str, Tone] = {
    Turn.Status.WAITING: "waiting",
    Turn.Status.RUNNING: "busy",
    Turn.Status.DONE: "good",
    Turn.Status.FAILED: "warning",
    Turn.Status.DROPPED: "quiet",
    Turn.Status.SUPERSEDED: "quiet",
    Turn.Status.DEAD: "bad",
}
_DELIVERY_TONES: dict[str, Tone] = {
    Delivery.Status.WAITING: "waiting",
    Delivery.Status.SENDING: "busy",
    Delivery.Status.SENT: "good",
    Delivery.Status.FAILED: "bad",
}


def chip(tone: Tone, text: str) -> SafeString:
    """Return `text` as a chip; the sign is left out for screen readers."""
    return format_html(
        '<span class="bs-chip bs-{}"><span aria-hidden="true">{}</span>&nbsp;{}</span>', tone, _SIGNS[tone], text
    )


def turn_chip(status: str) -> SafeString:
    """Return a turn's status."""
    return chip(_TURN_TONES.get(status, "quiet"), status)


def delivery_chip(status: str) -> SafeString:
    """Return a delivery's status."""
    return chip(_DELIVERY_TONES.get(status, "quiet"), status)


def quiet(text: str) -> SafeString:
    """Return `text` as what stands where there is nothing to show."""
    return format_html('<span class="bs-quiet">{}</span>', text)
