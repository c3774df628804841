"""What is wrong with the runtime, in words: asked by `botstate_doctor`, of the live database."""

from django.db import connections
from django.db.models import Count

from botstate.conf import get_settings
from botstate.db.clock import now_us
from botstate.db.errors import translated_errors
from botstate.db.postgresql import shared_sessions
from botstate.db.transactions import run_joined
from botstate.models import ActionSnapshot, Delivery, Thread, Turn
from botstate.runtime.registry import bots

OVERDUE_US = 60 * 1_000_000
RECENT_US = 86_400 * 1_000_000


def examine_runtime() -> list[str]:
    """Return what an operator should know, a line each; nothing where all is well. Raises StoreError."""
    using = get_settings().database
    now = now_us(using)

    def examine() -> list[str]:
        return [*_overdue(using, now), *_failed(using, now), *_unknown_bots(using), *_unknown_components(using, now)]

    return [*_sessions(using), *run_joined(using, examine)]


def _sessions(using: str) -> list[str]:
    if connections[using].settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        return []
    with translated_errors(using):
        return shared_sessions(using, "it needs DISABLE_SERVER_SIDE_CURSORS")


def _overdue(using: str, now: int) -> list[str]:
    overdue = Thread.objects.using(using).filter(ring_us__lte=now - OVERDUE_US)
    count = overdue.exclude(lease__expires_us__gt=now).count()
    if not count:
        return []
    return [f"{count} threads have been due for over a minute: is a worker running, with beat and botstate.redeliver?"]


def _failed(using: str, now: int) -> list[str]:
    dead = Turn.objects.using(using).filter(status=Turn.Status.DEAD, finished_us__gt=now - RECENT_US).count()
    failed = Delivery.objects.using(using).filter(status=Delivery.Status.FAILED, created_us__gt=now - RECENT_US).count()
    return [
        f"{count} {what} within a day: see the threads that need attention in the admin"
        for count, what in ((dead, "turns died"), (failed, "messages could not be sent"))
        if count
    ]


def _unknown_bots(using: str) -> list[str]:
    waiting = Thread.objects.using(using).exclude(ring_us=None).exclude(bot__in=bots.names())
    counted = waiting.values_list("bot").annotate(Count("pk")).order_by("bot")
    return [f"{count} threads wait for bot {name!r}, which no bots.py defines" for name, count in counted]


def _unknown_components(using: str, now: int) -> list[str]:
    live = ActionSnapshot.objects.using(using).filter(expires_us__gt=now).exclude(component="")
    counted = live.values_list("thread__bot", "component").annotate(Count("pk")).order_by("thread__bot", "component")
    return [
        f"{count} live controls are of component {component!r}, which bot {name!r} no longer has"
        for name, component, count in counted
        if (bot := bots.get(name)) is None or component not in bot.components
    ]
