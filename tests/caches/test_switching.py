"""Caches whose settings change, and which many threads begin at once."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from botstate.caches import MirroredCache
from tests.caches.faults import Faulty

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("switched_on")]

Make = Callable[..., MirroredCache]
Switch = Callable[..., None]


def test_switching_off_and_on(make_cache: Make, faulty: Faulty, switch: Switch) -> None:
    cache = make_cache()
    cache.register("on", 1)
    switch(False)
    cache.register("off", 2)
    cache.forget()
    assert cache.lookup("on") is None
    cache.register("off", 2)
    assert faulty.calls == ["register"]
    switch(TIMEOUT=10)
    assert cache.lookup("on") == 1
    assert cache.consume("off") == 2, "nobody else can have seen it"


def test_the_settings_of_the_moment_hold(make_cache: Make, switch: Switch, settings: Any) -> None:
    switch(TIMEOUT=10, STORE="nowhere")
    cache = make_cache(store=None)
    cache.register("key", 1)
    assert cache.status().failures == {"BotStateMisconfigured": 1}
    switch(TIMEOUT=10, STORE="elsewhere")
    cache.register("key", 1)
    assert cache.status().failures == {"BotStateMisconfigured": 1}, "of another store, which it begins anew with"


def test_threads_that_begin_a_cache_at_once_begin_one(make_cache: Make, monkeypatch: Any) -> None:
    opened: list[Any] = []
    begun = MirroredCache._open

    def slow(self: MirroredCache, settings: Any) -> Any:
        opened.append(settings)
        time.sleep(0.02)
        return begun(self, settings)

    monkeypatch.setattr(MirroredCache, "_open", slow)
    cache = make_cache()
    threads = [threading.Thread(target=cache.register, args=("key", number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
