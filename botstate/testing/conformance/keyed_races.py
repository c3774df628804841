# ruff: noqa: S101
"""Keyed stores: many threads at once, one winner, nothing lost, every bound kept."""

from collections import Counter
from functools import partial
from typing import Any

from botstate.contracts.stores import StateStore
from botstate.exceptions import LimitExceeded
from botstate.keyed import KeyedStore
from botstate.testing.conformance.base import RACERS
from botstate.testing.conformance.keyed_base import KeyedBase, Opener, listed
from botstate.testing.conformance.threads import Race

ROUNDS = 5
CAP = 4
INCREMENTS = 25
KINDS: list[dict[str, Any]] = [{}, {"max_entries": 1}, {"max_entries": 1, "overflow": "reject-new"}]


class KeyedRaceConformance(KeyedBase):
    """Each test runs the same call in eight threads from one barrier on."""

    def test_one_claim_wins(self, entries: KeyedStore, race: Race) -> None:
        for number in range(ROUNDS):
            got = race(partial(self._claim, entries, f"key {number}"))
            assert Counter(got) == {True: 1, False: RACERS - 1}, "of many register_if_absent exactly one is True"
            assert entries.lookup(f"key {number}") == got.index(True), "the value is that of the one that won"
        assert entries.count() == ROUNDS

    def test_one_claim_of_what_expired_wins(self, store: StateStore, opened: Opener, race: Race) -> None:
        for number, options in enumerate(KINDS):
            entries = opened(f"{number}", **options)
            entries.register("key", "old", ttl=self.short)
            self.advance(store, self.short)
            got = race(partial(self._claim, entries, "key"))
            assert Counter(got) == {True: 1, False: RACERS - 1}, "exactly one claims what expired"
            assert listed(entries) == [["key", got.index(True)]]

    def test_one_consume_gets_the_value(self, entries: KeyedStore, race: Race) -> None:
        for number in range(ROUNDS):
            entries.register("key", number)
            got = race(lambda _: entries.consume("key", "default"))
            assert Counter(got) == {number: 1, "default": RACERS - 1}, "of many consumers exactly one gets the value"

    def test_one_removal_of_any_kind_wins(self, entries: KeyedStore, race: Race) -> None:
        def remove(racer: int) -> bool:
            if racer % 3 == 0:
                return bool(entries.consume("key", "gone") != "gone")
            return entries.delete("key") if racer % 3 == 1 else entries.delete_if("key", 1)

        for _ in range(ROUNDS):
            entries.register("key", 1)
            assert sum(race(remove)) == 1, "an entry is removed by exactly one"
        assert entries.count() == 0

    def test_one_compare_and_set_wins(self, entries: KeyedStore, race: Race) -> None:
        entries.register("key", -1)
        for _ in range(ROUNDS):
            before = entries.lookup("key")
            got = race(partial(self._replace, entries, before))
            assert Counter(got) == {True: 1, False: RACERS - 1}, "of many compare_and_set exactly one is True"
            assert entries.lookup("key") == [before, got.index(True)], "the value is that of the one that won"

    def test_no_increment_is_lost(self, opened: Opener, race: Race) -> None:
        entries = opened(max_entries=1, overflow="reject-new")

        def increment(racer: int) -> list[Any]:
            return [entries.update("key", lambda had: had + 1, default=0) for _ in range(INCREMENTS)]

        returned = sorted(value for values in race(increment) for value in values)
        assert entries.lookup("key") == RACERS * INCREMENTS, "every increment counts"
        assert returned == list(range(1, RACERS * INCREMENTS + 1)), "every update returns a value of its own"

    def test_concurrent_registers_leave_one_whole_entry(self, opened: Opener, race: Race) -> None:
        entries = opened(max_entries=CAP)

        def register(racer: int) -> Any:
            entries.register("key", [racer] * 1_000)
            return entries.lookup("key")

        written = [[racer] * 1_000 for racer in range(RACERS)]
        assert all(value in written for value in race(register)), "lookup must give one whole value"
        assert entries.count() == 1, "an entry that many write is one"

    def test_the_bound_is_kept_at_every_look(self, opened: Opener, race: Race) -> None:
        entries = opened(max_entries=CAP)

        def write(racer: int) -> list[int]:
            looks = []
            for number in range(3 * ROUNDS):
                entries.register(f"{racer} {number}", [racer, number])
                looks += [entries.count(), len(entries.entries())]
            return looks

        looks = [look for looks in race(write) for look in looks]
        assert max(looks) <= CAP, f"nobody ever sees more than max_entries: {max(looks)}"
        left = [entry.value for entry in entries.entries()]
        assert len(left) == CAP, f"a full namespace holds its bound exactly, not {len(left)}"
        assert left[-1][1] == 3 * ROUNDS - 1, "the newest entry is the last that somebody wrote"
        for racer in range(RACERS):
            numbers = [number for writer, number in left if writer == racer]
            assert numbers == list(range(3 * ROUNDS))[3 * ROUNDS - len(numbers) :], "each writer's newest entries stay"
        entries.register("one more", 1)
        assert entries.count() == CAP, "what is counted is what is there"

    def test_a_full_namespace_refuses_all_but_as_many_as_fit(self, opened: Opener, race: Race) -> None:
        entries = opened(max_entries=CAP, overflow="reject-new")

        def write(racer: int) -> int:
            stored = 0
            for number in range(ROUNDS):
                try:
                    entries.register(f"{racer} {number}", 1)
                except LimitExceeded:
                    continue
                stored += 1
                assert entries.count() <= CAP, "nobody ever sees more than max_entries"
            return stored

        assert sum(race(write)) == CAP, "as many new entries are stored as there is room for"
        assert entries.count() == CAP

    def test_the_bound_is_kept_while_others_remove(self, opened: Opener, race: Race) -> None:
        entries = opened(max_entries=CAP, overflow="reject-new")

        def work(racer: int) -> Counter[str]:
            done: Counter[str] = Counter()
            for number in range(2 * ROUNDS):
                if racer % 2:
                    taken = [entry.key for entry in entries.entries() if entries.consume(entry.key)]
                    done["out"] += len(taken)
                    continue
                try:
                    done["in"] += entries.register_if_absent(f"{racer} {number}", 1)
                except LimitExceeded:
                    done["full"] += 1
                assert entries.count() <= CAP, "nobody ever sees more than max_entries"
            return done

        done = sum(race(work), Counter[str]())
        assert done["in"] - done["out"] == entries.count(), "what came in and did not go out is there"

    def test_sweeping_disturbs_nobody(self, store: StateStore, opened: Opener, race: Race) -> None:
        entries = opened(max_entries=RACERS * ROUNDS)
        for number in range(ROUNDS):
            entries.register(f"key {number}", "old", ttl=self.short)
            entries.register(f"{number}", "old", ttl=self.short)
        self.advance(store, self.short)

        def work(racer: int) -> int:
            if racer == 0:
                for _ in range(ROUNDS):
                    store.sweep()
                return 0
            return sum(entries.register_if_absent(f"key {number}", "new") for number in range(ROUNDS))

        assert sum(race(work)) == ROUNDS, "of many claims of what expired exactly one wins, swept meanwhile or not"
        assert sorted(listed(entries)) == [[f"key {number}", "new"] for number in range(ROUNDS)], (
            "sweep leaves what lives"
        )
        for number in range(RACERS * ROUNDS + 1):
            entries.register(f"more {number}", 1)
        assert entries.count() == RACERS * ROUNDS, "after sweeps and writes the bound holds exactly"

    @staticmethod
    def _replace(entries: KeyedStore, before: Any, racer: int) -> bool:
        return entries.compare_and_set("key", before, [before, racer])

    @staticmethod
    def _claim(entries: KeyedStore, key: str, racer: int) -> bool:
        return entries.register_if_absent(key, racer)
