"""Claimable dedup while its store is away, and what it has yet to tell it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from botstate.caches import InboundDedup
from botstate.stores import MemoryStore
from tests.caches.away import FickleDedup, FickleStore
from tests.caches.switching import switched_on
from tests.stores.waiting import until

UNKNOWN = "0" * 32
TIMEOUT_S = 0.2


@pytest.mark.long
@pytest.mark.once
class TestAway:
    """A store that is away for a while."""

    @pytest.fixture(autouse=True)
    def persistent(self) -> Iterator[None]:
        with switched_on("tests", TIMEOUT_S):
            yield

    @pytest.fixture
    def store(self) -> Iterator[FickleStore]:
        made = FickleStore(MemoryStore())
        yield made
        made.fickle.mode = "well"
        made.fickle.goes_on.set()

    @pytest.fixture
    def fickle(self, store: FickleStore) -> FickleDedup:
        return store.fickle

    @pytest.fixture
    def dedup(self, make_dedup: Any, store: FickleStore) -> InboundDedup:
        made: InboundDedup = make_dedup(store=store)
        return made

    @pytest.fixture
    def other(self, make_dedup: Any, store: FickleStore) -> InboundDedup:
        """Another process."""
        made: InboundDedup = make_dedup(store=store)
        return made

    def comes_back(self, dedup: InboundDedup, fickle: FickleDedup) -> None:
        """Let the store answer again, and wait until it has heard everything."""
        fickle.mode = "well"
        fickle.goes_on.set()
        until(lambda: dedup.status().waiting == 0, "it comes to pass")
        assert dedup._mirror is not None
        until(lambda: not dedup._mirror.guard.is_paused(), "it comes to pass")  # type: ignore[union-attr]

    def answers_again(self, dedup: InboundDedup, fickle: FickleDedup) -> None:
        """Let the store answer again, and end the pause before anything was told."""
        fickle.mode = "well"
        assert dedup._mirror is not None
        dedup._mirror.guard._paused_until = 0.0

    @pytest.mark.parametrize("mode", ["down", "hangs", "lost"])
    def test_a_claim_from_memory_is_exclusive_here_and_committed_when_the_store_is_back(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup, mode: str
    ) -> None:
        fickle.mode = mode
        token = dedup.claim("key")
        assert token
        assert dedup.claim("key") is None
        assert dedup.check("key") == "claimed"
        assert not dedup.commit("key", UNKNOWN)
        assert dedup.commit("key", token)
        assert dedup.check("key") == "done"
        assert dedup.claim("key") is None
        assert dedup.status().failures
        self.comes_back(dedup, fickle)
        until(lambda: other.check("key") == "done", "it comes to pass")
        assert other.claim("key") is None
        assert dedup.status().lost == 0

    @pytest.mark.parametrize("mode", ["down", "hangs", "lost"])
    @pytest.mark.parametrize("end", ["commit", "release"])
    def test_a_token_from_memory_ends_its_claim_after_the_store_is_back(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup, mode: str, end: str
    ) -> None:
        fickle.mode = mode
        token = dedup.claim("key")
        assert token
        self.comes_back(dedup, fickle)
        assert dedup.claim("key") is None, "there is one winner in this process"
        assert getattr(dedup, end)("key", token)
        assert not getattr(dedup, end)("key", token)
        expected = "done" if end == "commit" else "new"
        assert (dedup.check("key"), other.check("key")) == (expected, expected)

    @pytest.mark.parametrize("mode", ["down", "hangs", "lost"])
    @pytest.mark.parametrize("end", ["commit", "release"])
    def test_a_token_from_the_store_ends_its_claim_while_it_is_away(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup, mode: str, end: str
    ) -> None:
        token = dedup.claim("key")
        assert token
        fickle.mode = mode
        assert dedup.claim("key") is None, "what the store gave to this process is known without it"
        assert dedup.check("key") == "claimed"
        assert not getattr(dedup, end)("key", UNKNOWN)
        assert getattr(dedup, end)("key", token)
        assert not getattr(dedup, end)("key", token)
        expected = "done" if end == "commit" else "new"
        assert dedup.check("key") == expected
        self.comes_back(dedup, fickle)
        fickle.calls.clear()
        assert dedup.check("key") == expected
        assert len(fickle.calls) == (end == "release"), "what was committed here is known without a query"
        assert other.check("key") == expected

    def test_live_claims_from_the_store_are_not_pushed_out(
        self, make_dedup: Any, store: FickleStore, fickle: FickleDedup
    ) -> None:
        dedup = make_dedup(store=store, max_entries=2)
        tokens = {key: dedup.claim(key) for key in "abc"}
        assert all(tokens.values())
        assert dedup.status().lost == 1, "c is not remembered"
        fickle.mode = "down"
        assert (dedup.claim("a"), dedup.claim("b")) == (None, None)
        assert dedup.commit("a", tokens["a"])
        assert not dedup.commit("c", tokens["c"]), "it cannot be judged"
        self.comes_back(dedup, fickle)
        assert (dedup.check("a"), dedup.check("c")) == ("done", "done")
        assert dedup.claim("d"), "there is room again"
        assert dedup.status().lost == 1

    def test_claims_from_the_store_make_room_when_their_lease_is_over(
        self, make_dedup: Any, store: FickleStore, fickle: FickleDedup
    ) -> None:
        dedup = make_dedup(store=store, max_entries=2, lease="50ms")
        for _ in range(3):
            assert dedup.claim("a") and dedup.claim("b")
            time.sleep(0.06)
        assert dedup.status().lost == 0

    @pytest.mark.parametrize("mode", ["well", "lost"])
    def test_of_two_that_claim_with_the_store_and_without_one_wins(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup, mode: str
    ) -> None:
        # As where another thread has lost the store in the middle of this one's call.
        token = "1" * 32
        fickle.meanwhile = lambda: dedup._known.claim(dedup._known.address("key"), token)
        fickle.mode = mode
        assert dedup.claim("key") is None
        fickle.meanwhile = lambda: None
        self.comes_back(dedup, fickle)
        until(lambda: other.check("key") == "new", "the store's claim is given up")
        assert dedup.check("key") == "claimed"
        assert dedup.commit("key", token)

    def test_what_was_released_away_is_new_at_once_when_the_store_is_back(
        self, dedup: InboundDedup, fickle: FickleDedup
    ) -> None:
        token = dedup.claim("key")
        fickle.mode = "down"
        assert token and dedup.release("key", token)
        self.answers_again(dedup, fickle)
        assert dedup.check("key") == "new"
        token = dedup.claim("key")
        fickle.mode = "down"
        assert token and dedup.release("key", token)
        self.answers_again(dedup, fickle)
        assert dedup.claim("key")

    def test_what_was_released_away_can_be_claimed_and_committed_away(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup
    ) -> None:
        first = dedup.claim("key")
        fickle.mode = "down"
        assert first and dedup.release("key", first)
        second = dedup.claim("key")
        assert second and dedup.commit("key", second)
        self.comes_back(dedup, fickle)
        assert other.check("key") == "done"

    def test_a_commit_is_recorded_though_the_lease_ended_meanwhile(self, make_dedup: Any, store: FickleStore) -> None:
        dedup = make_dedup(store=store, lease=0.2)
        token = dedup.claim("key")
        store.fickle.mode = "down"
        assert dedup.commit("key", token)
        # The lease in the store ends too, by the server's clock.
        time.sleep(0.25)
        self.comes_back(dedup, store.fickle)
        assert make_dedup(store=store).check("key") == "done"

    def test_a_lease_that_ended_away_cannot_be_committed(
        self, make_dedup: Any, store: FickleStore, pass_time: Callable[[float], None]
    ) -> None:
        dedup = make_dedup(store=store, lease=60)
        from_store = dedup.claim("a")
        store.fickle.mode = "down"
        from_memory = dedup.claim("b")
        pass_time(61)
        assert not dedup.commit("a", from_store)
        assert not dedup.commit("b", from_memory)
        assert dedup.claim("a") and dedup.claim("b")

    def test_anothers_token_is_committed_when_the_store_is_back(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup
    ) -> None:
        token = other.claim("key")
        fickle.mode = "down"
        assert token and not dedup.commit("key", token), "nobody can say whether the claim lives"
        self.comes_back(dedup, fickle)
        assert dedup.check("key") == "done"

    def test_anothers_claim_is_not_taken_away_by_what_was_done_here(
        self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup
    ) -> None:
        fickle.mode = "down"
        ours = dedup.claim("key")
        fickle.mode = "well"
        theirs = other.claim("key")
        assert ours and theirs, "an outage has two winners"
        self.comes_back(dedup, fickle)
        assert dedup.commit("key", ours)
        assert other.check("key") == "claimed"
        assert other.commit("key", theirs)

    def test_what_waits_has_the_ttl_of_its_commit(self, make_dedup: Any, store: FickleStore) -> None:
        dedup = make_dedup(store=store, ttl=1.5)
        store.fickle.mode = "down"
        begun = time.monotonic()
        assert dedup.commit("key", dedup.claim("key"))
        time.sleep(0.7)
        self.comes_back(dedup, store.fickle)
        other = make_dedup(store=store)
        assert other.check("key") == "done"
        until(lambda: other.check("key") == "new", "it comes to pass")
        assert 1.4 < time.monotonic() - begun < 2.1

    def test_what_waits_is_bounded_and_counted(self, make_dedup: Any, store: FickleStore) -> None:
        dedup = make_dedup(store=store, max_entries=5)
        store.fickle.mode = "down"
        for number in range(8):
            assert dedup.commit(str(number), dedup.claim(str(number)))
        assert (dedup.status().waiting, dedup.status().lost) == (5, 3)
        self.comes_back(dedup, store.fickle)
        other = make_dedup(store=store)
        assert [other.check(str(number)) for number in range(8)] == ["new"] * 3 + ["done"] * 5

    def test_many_that_wait_are_all_told(self, make_dedup: Any, store: FickleStore) -> None:
        dedup = make_dedup(store=store)
        store.fickle.mode = "down"
        for number in range(3_000):
            assert dedup.commit(str(number), dedup.claim(str(number)))
        self.comes_back(dedup, store.fickle)
        other = make_dedup(store=store)
        assert all(other.check(str(number)) == "done" for number in range(3_000))

    def test_closing_tells_what_waits(self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup) -> None:
        fickle.mode = "down"
        token = dedup.claim("key")
        assert token and dedup.commit("key", token)
        self.answers_again(dedup, fickle)
        assert dedup.status().waiting == 1
        assert dedup.close()
        assert dedup.status().waiting == 0
        assert other.check("key") == "done"

    def test_a_failure_is_logged_once_per_kind_and_quotes_no_key(
        self, dedup: InboundDedup, fickle: FickleDedup, caplog: pytest.LogCaptureFixture
    ) -> None:
        fickle.mode = "down"
        with caplog.at_level(logging.WARNING, "botstate.caches"):
            for _ in range(2):
                dedup.claim("the key")
                until(lambda: not dedup._mirror.guard.is_paused(), "it comes to pass")  # type: ignore[union-attr]
            dedup.claim("another key")
        assert dedup.status().failures["StoreUnavailable"] >= 2
        (record,) = caplog.records
        assert "tests:inbound" in record.getMessage()
        assert "key" not in record.getMessage()

    def test_while_the_store_is_left_alone_nothing_waits_for_it(self, dedup: InboundDedup, fickle: FickleDedup) -> None:
        fickle.mode = "hangs"
        assert dedup.claim("first")
        begun = time.monotonic()
        for number in range(100):
            assert dedup.claim(str(number))
        assert time.monotonic() - begun < TIMEOUT_S

    def test_async_twins(self, dedup: InboundDedup, other: InboundDedup, fickle: FickleDedup) -> None:
        async def on_a_loop() -> None:
            fickle.mode = "hangs"
            tokens = await asyncio.gather(*(dedup.aclaim("key") for _ in range(10)))
            (token,) = (token for token in tokens if token)
            assert await dedup.acheck("key") == "claimed"
            assert await dedup.acommit("key", token)
            assert await dedup.acheck("key") == "done"

        asyncio.run(on_a_loop())
        self.comes_back(dedup, fickle)
        assert other.check("key") == "done"

    def test_a_store_that_is_not_there_is_no_error(self, make_dedup: Any) -> None:
        dedup = make_dedup(store="nowhere")
        token = dedup.claim("key")
        assert dedup.commit("key", token)
        assert dedup.status().failures == {"BotStateMisconfigured": 1}

    def test_one_of_many_threads_wins_while_the_store_comes_and_goes(self, make_dedup: Any, store: FickleStore) -> None:
        dedup = make_dedup(store=store, lease="1h")
        # A call that a busy machine lets time out may land later, and hold its key until the lease ends.
        with switched_on("tests"):
            dedup.check("opened")
        keys = 300
        over = threading.Event()

        def come_and_go() -> None:
            while not over.is_set():
                for mode in ("down", "well", "lost", "well"):
                    store.fickle.mode = mode
                    time.sleep(0.05)

        won: list[str] = []

        def claim_each() -> None:
            for number in range(keys):
                token = dedup.claim(str(number))
                if token is not None:
                    won.append(str(number))
                    if number % 2:
                        assert dedup.commit(str(number), token)
                time.sleep(0.002)

        fickle = threading.Thread(target=come_and_go)
        fickle.start()
        with ThreadPoolExecutor(6) as pool:
            each = [pool.submit(claim_each) for _ in range(6)]
        over.set()
        fickle.join()
        for future in each:
            future.result()
        assert sorted(won, key=int) == [str(number) for number in range(keys)], "no key is claimed twice in one process"
        self.comes_back(dedup, store.fickle)
        other = make_dedup(store=store)
        assert {other.check(str(number)) for number in range(1, keys, 2)} == {"done"}
        assert dedup.status().lost == 0
