"""Claimable inbound dedup: one claim per key, whatever becomes of the holder and of the store."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from botstate.caches import CacheStatus, InboundDedup
from botstate.stores import OrmStore
from tests.caches.away import FickleStore
from tests.caches.switching import switched_on
from tests.stores.clock import advance
from tests.stores.waiting import until

UNKNOWN = "0" * 32
TIMEOUT_S = 0.2


class TestOff:
    """In memory; these tests have no database, so a query would be an error."""

    pytestmark = pytest.mark.once

    def test_a_key_is_claimed_once_and_done_once(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        assert dedup.check("key") == "new"
        token = dedup.claim("key")
        assert dedup.claim("key") is None
        assert dedup.check("key") == "claimed"
        assert not dedup.commit("key", UNKNOWN)
        assert not dedup.commit("key", "no token")
        assert dedup.commit("key", token)
        assert not dedup.commit("key", token)
        assert not dedup.release("key", token)
        assert dedup.check("key") == "done"
        assert dedup.claim("key") is None

    def test_what_was_released_is_new(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        token = dedup.claim("key")
        assert not dedup.release("key", UNKNOWN)
        assert dedup.release("key", token)
        assert not dedup.release("key", token)
        assert not dedup.commit("key", token)
        assert dedup.claim("key") not in (None, token)

    def test_a_claim_ends_with_its_lease_and_done_with_its_ttl(
        self, make_dedup: Any, pass_time: Callable[[float], None]
    ) -> None:
        dedup = make_dedup(lease=30, ttl=60)
        late = dedup.claim("key")
        pass_time(30)
        assert not dedup.commit("key", late)
        assert dedup.commit("key", dedup.claim("key"))
        assert dedup.check("key") == "done"
        pass_time(60)
        assert dedup.check("key") == "new"

    def test_max_entries_drop_what_was_done_first_and_never_a_claim(self, make_dedup: Any) -> None:
        dedup = make_dedup(max_entries=3)
        token = dedup.claim("claimed")
        for number in range(4):
            assert dedup.commit(str(number), dedup.claim(str(number)))
        assert [dedup.check(str(number)) for number in range(4)] == ["new", "new", "done", "done"]
        assert dedup.status() == CacheStatus(3, 0, 0, {})
        assert dedup.commit("claimed", token)

    def test_full_of_claims_it_grants_what_it_cannot_remember(self, make_dedup: Any) -> None:
        dedup = make_dedup(max_entries=2)
        tokens = [dedup.claim(str(number)) for number in range(4)]
        assert None not in tokens
        assert dedup.status().lost == 2
        assert [dedup.commit(str(number), tokens[number]) for number in range(4)] == [True, True, False, False]

    def test_of_many_threads_one_wins(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda number: dedup.claim(str(number // 8)), range(8 * 200)))
        assert sum(token is not None for token in won) == 200

    def test_no_thread_is_started_and_nothing_blocks_a_loop(self, make_dedup: Any) -> None:
        # Another test's may still be ending.
        before = set(threading.enumerate())
        dedup = make_dedup()

        async def on_a_loop() -> None:
            token = dedup.claim("sync")
            assert await dedup.acommit("sync", token)
            token = await dedup.aclaim("async")
            assert await dedup.acheck("async") == "claimed"
            assert await dedup.arelease("async", token)
            assert not await dedup.arelease("async", token)

        asyncio.run(on_a_loop())
        started = set(threading.enumerate()) - before
        assert not [thread for thread in started if thread.name.startswith("botstate-tests")]

    def test_namespaces_and_channels_and_dedups_are_apart(self, make_dedup: Any) -> None:
        for dedup in (make_dedup(), make_dedup("other"), make_dedup("tests", "other")):
            assert dedup.claim("key")

    def test_a_forked_child_begins_anew(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        assert dedup.claim("key")
        # As it is where another thread is in the middle of something.
        with dedup._known._lock, dedup._known._room:
            child = os.fork()
            if child == 0:
                is_new = False
                try:
                    is_new = bool(dedup.claim("key")) and dedup.check("other") == "new"
                finally:
                    os._exit(0 if is_new else 1)
        until(lambda: os.waitpid(child, os.WNOHANG) == (child, 0), "it comes to pass")
        assert dedup.check("key") == "claimed"

    def test_forgetting_is_a_restart(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        token = dedup.claim("key")
        dedup.forget()
        assert not dedup.commit("key", token)
        assert dedup.claim("key")

    @pytest.mark.parametrize("key", ["", "x" * 513, None, 7, "\ud800"])
    def test_bad_keys_are_refused(self, make_dedup: Any, key: Any) -> None:
        dedup = make_dedup()
        for call in (dedup.claim, dedup.check):
            with pytest.raises(ValueError, match="a key"):
                call(key)
        for call in (dedup.commit, dedup.release):
            with pytest.raises(ValueError, match="a key"):
                call(key, UNKNOWN)
        assert dedup.status().entries == 0

    @pytest.mark.parametrize(
        "bad",
        [
            {"channel": ""},
            {"channel": "x" * 65},
            {"namespace": ""},
            {"namespace": "x" * 256},
            {"lease": 0},
            {"lease": None},
            {"ttl": "soon"},
            {"max_entries": 0},
            {"max_entries": True},
        ],
    )
    def test_bad_options_are_refused(self, bad: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(bad))):
            InboundDedup(**({"channel": "tests", "namespace": "inbound"} | bad))


@pytest.mark.django_db(transaction=True)
class TestOn:
    """In the default store."""

    @pytest.fixture(autouse=True)
    def persistent(self) -> Iterator[None]:
        with switched_on("tests"):
            yield

    def test_what_is_done_is_known_without_a_query_and_after_a_restart_with_one(self, make_dedup: Any) -> None:
        store = FickleStore(OrmStore())
        dedup = make_dedup(store=store)
        assert dedup.commit("key", dedup.claim("key"))
        store.fickle.calls.clear()
        assert dedup.claim("key") is None
        assert dedup.check("key") == "done"
        assert not store.fickle.calls
        dedup.forget()
        assert dedup.check("key") == "done"
        assert dedup.claim("key") is None
        assert store.fickle.calls == {"_check": 1, "_claim": 1}
        assert make_dedup().claim("key") is None

    def test_a_claim_is_seen_by_others_and_ended_by_whoever_has_the_token(self, make_dedup: Any) -> None:
        ours, theirs = make_dedup(), make_dedup()
        token = ours.claim("key")
        assert theirs.claim("key") is None
        assert theirs.check("key") == "claimed"
        assert not theirs.release("key", UNKNOWN)
        assert theirs.release("key", token)
        token = ours.claim("key")
        assert theirs.commit("key", token)
        assert not ours.commit("key", token)
        assert ours.check("key") == "done"
        assert ours.claim("key") is None

    def test_leases_and_ttls_are_the_stores(self, make_dedup: Any, pass_time: Callable[[float], None]) -> None:
        dedup, other = make_dedup(lease=30, ttl=60), make_dedup()
        late = dedup.claim("key")
        advance(30)
        assert not dedup.commit("key", late)
        assert dedup.commit("key", dedup.claim("key"))
        assert other.check("key") == dedup.check("key") == "done"
        # What is done is known without the store, so memory's clock goes along.
        advance(60)
        pass_time(60)
        assert dedup.check("key") == "new"
        assert dedup.claim("key")

    def test_namespaces_and_channels_are_apart_and_so_is_the_store(self, make_dedup: Any) -> None:
        with switched_on("tests"):
            assert make_dedup("tests", "a").claim("1:b")
            assert make_dedup("tests", "a1:").claim("b")
            assert make_dedup("tests", "b").claim("1:b")
            assert make_dedup("tests", "x" * 255).claim("k" * 512)
        with switched_on("other"):
            assert make_dedup("other", "a").claim("1:b")
        assert OrmStore().dedup.check("1:b") == "new"

    # On SQLite a transaction of the caller's may have the only write lock.
    @pytest.mark.needs("postgresql", "mysql")
    def test_it_joins_no_transaction_of_the_callers(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        with transaction.atomic():
            token = dedup.claim("key")
            transaction.set_rollback(True)
        assert make_dedup().check("key") == "claimed"
        assert dedup.commit("key", token)

    def test_async_twins(self, make_dedup: Any) -> None:
        async def on_a_loop() -> None:
            dedup = make_dedup()
            for call in (lambda: dedup.claim("k"), lambda: dedup.check("k"), lambda: dedup.commit("k", UNKNOWN)):
                with pytest.raises(SynchronousOnlyOperation, match=r"inbound\.a"):
                    call()
            tokens = await asyncio.gather(*(dedup.aclaim("key") for _ in range(20)))
            (token,) = (token for token in tokens if token)
            assert await dedup.acheck("key") == "claimed"
            assert await dedup.arelease("key", token)
            token = await dedup.aclaim("key")
            assert await dedup.acommit("key", token)
            assert await dedup.acheck("key") == "done"
            assert dedup.status() == CacheStatus(1, 0, 0, {})

        asyncio.run(on_a_loop())

    def test_of_many_threads_one_wins(self, make_dedup: Any) -> None:
        dedup = make_dedup()
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda number: dedup.claim(str(number // 8)), range(8 * 30)))
        assert sum(token is not None for token in won) == 30
        assert dedup.status().failures == {}
