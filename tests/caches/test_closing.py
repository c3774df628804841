"""Closing the registries and what they are made of: alike on all, with a twin, and never on an event loop's time."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation

from botstate.caches import (
    ComponentEntry,
    DiscordComponents,
    InboundDedup,
    MatrixApprovals,
    MirroredCache,
    ModalEntry,
    SlackThreadParticipation,
    TeamsSentMessages,
)
from tests.caches.faults import Faulty
from tests.stores.waiting import until

pytestmark = pytest.mark.once

CHANNELS = ("slack", "discord", "teams", "matrix", "tests")


def discord() -> DiscordComponents:
    made = DiscordComponents()
    button = ComponentEntry(id="button", kind="button", label="Press")
    made.register(components=[button], modals=[ModalEntry(id="modal", title="Why?", fields=())])
    return made


def slack() -> SlackThreadParticipation:
    made = SlackThreadParticipation()
    made.record("account", "team", "channel", "1.0")
    return made


def teams() -> TeamsSentMessages:
    made = TeamsSentMessages()
    made.record("account", "conversation", "activity")
    return made


def matrix() -> MatrixApprovals:
    made = MatrixApprovals()
    made.register("room", "event", "approval", ["deny"])
    return made


def inbound() -> InboundDedup:
    made = InboundDedup("tests", "closing")
    assert made.claim("key")
    return made


def mirrored() -> MirroredCache:
    made = MirroredCache("tests", "closing", max_entries=10)
    made.register("key", 1)
    return made


@pytest.fixture(autouse=True)
def persistent(settings: Any) -> None:
    memory = {"BACKEND": "botstate.stores.MemoryStore"}
    caches = {channel: {"PERSISTENT": True, "STORE": "memory", "TIMEOUT": 10} for channel in CHANNELS}
    settings.BOTSTATE = settings.BOTSTATE | {"STORES": {"default": memory, "memory": memory}, "CACHES": caches}


@pytest.fixture(params=[slack, discord, teams, matrix, inbound, mirrored])
def used(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One of them, used, with the threads that it has."""
    made = request.param()
    yield made
    assert made.close()


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith(tuple(f"botstate-{c}:" for c in CHANNELS))]


def test_closing_ends_the_threads(used: Any) -> None:
    assert threads()
    assert used.close(20)
    assert threads() == []
    assert used.close(20)


def test_its_twin_does_too(used: Any) -> None:
    assert threads()
    assert asyncio.run(used.aclose(20))
    assert threads() == []


def test_on_a_loop_the_twin_has_to_be_used(used: Any) -> None:
    before = threads()

    async def on_a_loop() -> None:
        with pytest.raises(SynchronousOnlyOperation, match=r"use [a-z]+\.aclose"):
            used.close()
        assert threads() == before

    asyncio.run(on_a_loop())


def test_nor_does_one_that_was_switched_off_meanwhile_block_it(used: Any, settings: Any) -> None:
    settings.BOTSTATE = settings.BOTSTATE | {"CACHES": {}}

    async def on_a_loop() -> None:
        with pytest.raises(SynchronousOnlyOperation, match=r"use [a-z]+\.aclose"):
            used.close()

    asyncio.run(on_a_loop())


@pytest.mark.parametrize("make", [SlackThreadParticipation, DiscordComponents, TeamsSentMessages, MatrixApprovals])
def test_one_that_is_off_closes_anywhere(make: Callable[[], Any], settings: Any) -> None:
    settings.BOTSTATE = settings.BOTSTATE | {"CACHES": {}}
    made = make()

    async def on_a_loop() -> None:
        assert made.close()
        assert await made.aclose()

    asyncio.run(on_a_loop())


def test_the_twin_does_not_block_the_loop(make_cache: Callable[..., MirroredCache], faulty: Faulty) -> None:
    cache = make_cache()
    hang = faulty.hang("register")
    caller = threading.Thread(target=cache.register, args=("key", 1))
    caller.start()
    hang.until_reached()

    async def on_a_loop() -> bool:
        closing = asyncio.ensure_future(cache.aclose(20))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not closing.done()
        hang.released.set()
        return await closing

    assert asyncio.run(on_a_loop())
    caller.join()
    until(lambda: cache.status().waiting == 0, "it is written")
