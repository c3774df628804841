"""Context variables: what a turn's handlers set, they share, and no other turn sees; connections stay the thread's."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import caches
from django.db import connection
from django.utils import translation

from botstate import Bot
from botstate.runtime.worker import Drained
from tests.runtime.busy import send
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db

RunAll = Callable[[], list[Drained]]

tenant: ContextVar[str] = ContextVar("tenant", default="nobody's")


def look(seen: list[str], handler: str) -> None:
    seen.append(f"{handler} {tenant.get()} {translation.get_language()}")


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_handler_sets_ends_with_its_turn(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, is_async: bool
) -> None:
    seen: list[str] = []
    bot = make_bot(on_lock_conflict="queue")

    def first(thread: Any, message: Any) -> None:
        look(seen, "first")
        tenant.set(message.text)
        translation.activate("de")

    def second(thread: Any, message: Any) -> None:
        look(seen, "second")

    async def first_async(thread: Any, message: Any) -> None:
        first(thread, message)

    async def second_async(thread: Any, message: Any) -> None:
        second(thread, message)

    bot.on_message(first_async if is_async else first)
    bot.on_message(second_async if is_async else second)
    send(slack, "1", "2")
    language = translation.get_language()
    run_all()
    untouched = f"nobody's {language}"
    assert seen == [f"first {untouched}", "second 1 de", f"first {untouched}", "second 2 de"]
    assert f"{tenant.get()} {translation.get_language()}" == untouched


def test_what_was_set_outside_is_seen_inside(make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll) -> None:
    seen: list[str] = []
    bot = make_bot()
    bot.on_message(lambda thread, message: seen.append(tenant.get()))
    send(slack, "1")
    token = tenant.set("the worker's")
    try:
        run_all()
    finally:
        tenant.reset(token)
    assert seen == ["the worker's"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_has_the_connection_of_its_thread(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, is_async: bool
) -> None:
    seen: list[object] = []
    bot = make_bot(on_lock_conflict="queue")

    def note_connection() -> None:
        connection.ensure_connection()
        seen.append(connection.connection)

    async def handle_async(thread: Any, message: Any) -> None:
        await sync_to_async(note_connection)()

    bot.on_message(handle_async if is_async else lambda thread, message: note_connection())
    send(slack, "1", "2")
    run_all()
    assert seen == [connection.connection, connection.connection]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_finds_the_caches_of_the_turn_before(
    make_bot: Callable[..., Bot], slack: SlackSender, run_all: RunAll, settings: Any, is_async: bool
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    seen: list[object] = []
    bot = make_bot(on_lock_conflict="queue")

    async def handle_async(thread: Any, message: Any) -> None:
        seen.append(caches["default"])

    bot.on_message(handle_async if is_async else lambda thread, message: seen.append(caches["default"]))
    send(slack, "1", "2")
    run_all()
    assert seen == [caches["default"]] * 2
