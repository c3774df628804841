"""Threads: the list, and the page of one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from botstate.admin.attention import Tally, flags, with_tally
from botstate.admin.chips import chip, quiet
from botstate.admin.filters import AttentionFilter, FewValuesFilter
from botstate.admin.history import History
from botstate.admin.leases import is_held, lease_of, lock_text
from botstate.admin.moments import clock_time, moment
from botstate.admin.readonly import ReadOnlyAdmin
from botstate.admin.state_view import summarise, view_state
from botstate.admin.wording import visible
from botstate.conf import get_settings
from botstate.models import Thread, ThreadState, Turn
from botstate.runtime.registry import bots
from botstate.runtime.replay import replay_turn

#: Who may let a turn run again.
REPLAY_PERMISSION = "botstate.change_turn"


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    """Every thread with its state in a line, what waits, who holds it; one page with all of it, field by field."""

    list_display = (
        "platform",
        "thread_key",
        "state_summary",
        "waiting_turns",
        "attention",
        "lock",
        "last_event",
        "bot_name",
        "workspace",
    )
    list_display_links = ("thread_key",)
    list_filter = (
        AttentionFilter,
        ("bot", FewValuesFilter),
        ("platform", FewValuesFilter),
        ("workspace", FewValuesFilter),
    )
    search_fields = ("key", "=workspace")
    search_help_text = "A part of the key, or a whole workspace."
    ordering = ("-last_event_us",)
    # The page shows facts of its own; without this, the admin would build a form of every column.
    fields = ("key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_tally(super().get_queryset(request))

    @admin.display(description="key", ordering="key")
    def thread_key(self, thread: Thread) -> str:
        return visible(thread.key)

    @admin.display(description="bot", ordering="bot")
    def bot_name(self, thread: Thread) -> SafeString:
        if bots.get(thread.bot) is not None:
            return format_html("{}", visible(thread.bot))
        return format_html("{} {}", visible(thread.bot), chip("bad", "not defined"))

    @admin.display(description="state")
    def state_summary(self, thread: Thread) -> SafeString:
        stored = _state_of(thread)
        if stored is None:
            return quiet("none yet")
        line, does_fit = summarise(bots.get(thread.bot), stored)
        shown = format_html('<span class="bs-line">{}</span>', line) if line else quiet("all defaults")
        return shown if does_fit else format_html("{} {}", chip("bad", "does not fit"), shown)

    @admin.display(description="waiting turns", ordering="tally_open_turns")
    def waiting_turns(self, thread: Thread) -> int:
        return Tally.of(thread).open_turns

    @admin.display(description="needs attention")
    def attention(self, thread: Thread) -> SafeString:
        tally = Tally.of(thread)
        return flags(tally, is_held=is_held(lease_of(thread), tally.now_us))

    @admin.display(description="lock")
    def lock(self, thread: Thread) -> SafeString:
        return lock_text(lease_of(thread), Tally.of(thread).now_us)

    @admin.display(description="last event", ordering="last_event_us")
    def last_event(self, thread: Thread) -> SafeString:
        return moment(thread.last_event_us, Tally.of(thread).now_us)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the thread's page instead of a form."""
        page = {**_page(context["original"]), "may_replay": request.user.has_perm(REPLAY_PERMISSION)}
        return super().render_change_form(request, {**context, **page}, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        replay = self.admin_site.admin_view(require_POST(self.replay))
        path_of_replay = path("<int:thread_id>/turns/<int:turn_id>/replay/", replay, name="botstate_turn_replay")
        return [path_of_replay, *super().get_urls()]

    def replay(self, request: HttpRequest, thread_id: int, turn_id: int) -> HttpResponse:
        """Let a dead or dropped turn of the thread run after all; the one thing that this admin changes."""
        if not request.user.has_perm(REPLAY_PERMISSION):
            raise PermissionDenied
        using = get_settings().database
        turn = get_object_or_404(Turn.objects.using(using), pk=turn_id, thread_id=thread_id)
        if replay_turn(using, turn.pk):
            self.message_user(request, f"Turn #{turn.sequence} runs again as soon as a worker is free.")
        else:
            self.message_user(request, f"Turn #{turn.sequence} is neither dead nor dropped any more.", messages.WARNING)
        return redirect(reverse("admin:botstate_thread_change", args=[thread_id], current_app=self.admin_site.name))


def _page(thread: Thread) -> dict[str, Any]:
    """Return what the thread's template shows."""
    tally = Tally.of(thread)
    now_us = tally.now_us
    bot = bots.get(thread.bot)
    stored = _state_of(thread)
    history = History(get_settings().database, thread, bot, now_us)
    return {
        "thread": thread,
        "title": "Thread",
        "subtitle": visible(str(thread)),
        "bot": bot,
        "tally": tally,
        "flags": flags(tally, is_held=is_held(lease_of(thread), now_us)),
        "lock": lock_text(lease_of(thread), now_us),
        "created": moment(thread.created_us, now_us),
        "last_event": moment(thread.last_event_us, now_us),
        "read_at": clock_time(now_us),
        "state": view_state(bot, stored),
        "stored_state": stored,
        "state_updated": moment(stored.updated_us, now_us) if stored else "",
        "turns": history.turns,
        "deliveries": history.deliveries,
        "actions": history.actions,
    }


def _state_of(thread: Thread) -> ThreadState | None:
    return getattr(thread, "stored_state", None)
