# ruff: noqa: S101, PLR2004
"""Keyed stores: update."""

from contextlib import suppress
from copy import deepcopy
from threading import Thread
from typing import Any

import pytest

from botstate.contracts.stores import StateStore
from botstate.exceptions import BadArgument, LockHeld, NotSerializable
from botstate.keyed import UNCHANGED, KeyedStore
from botstate.testing.conformance.keyed_base import KeyedBase, Opener, keys_of, listed, refusal


class OwnError(ValueError):
    """An error of the caller's, of a kind that bad arguments are too."""


RAISED: list[Exception] = [
    ZeroDivisionError("mine"),
    ValueError("mine"),
    OwnError("mine"),
    TypeError("mine"),
    KeyError("mine"),
    LockHeld("mine"),
]


class KeyedUpdateConformance(KeyedBase):
    """update(key, fn) replaces the value by what `fn` makes of it."""

    def test_update_replaces_the_value_and_returns_the_new_one(self, entries: KeyedStore) -> None:
        entries.register("a", {"n": 1})
        assert entries.update("a", lambda had: {**had, "m": 2}) == {"n": 1, "m": 2}, "update returns the new value"
        assert entries.lookup("a") == {"n": 1, "m": 2}, "update stores what fn returned"

    def test_fn_is_given_the_default_where_there_is_nothing(self, entries: KeyedStore) -> None:
        given: list[Any] = []

        def noted(had: Any) -> int:
            given.append(had)
            return 1

        assert entries.update("a", noted) == 1
        assert entries.update("b", lambda had: had + 1, default=41) == 42, "fn is given the default"
        assert given == [None], "without a default fn is given None"
        assert listed(entries) == [["a", 1], ["b", 42]], "update of an absent entry stores a new one"

    def test_fn_is_given_a_stored_none_rather_than_the_default(self, entries: KeyedStore) -> None:
        entries.register("a", None)
        assert entries.update("a", lambda had: [had], default="default") == [None], "a stored None is a value"

    def test_none_from_fn_is_stored(self, entries: KeyedStore) -> None:
        assert entries.update("a", lambda had: None, default=1) is None
        assert entries.lookup("a", "missing") is None, "None from fn is a value like any other"

    def test_unchanged_writes_nothing(self, entries: KeyedStore) -> None:
        entries.register("a", {"n": 1}, ttl=self.long)
        entries.register("b", 1)
        before = entries.entries()
        assert entries.update("a", lambda had: UNCHANGED, ttl=1) == {"n": 1}, (
            "with UNCHANGED the live value is returned"
        )
        default = object()
        assert entries.update("c", lambda had: UNCHANGED, default=default) is default, (
            "where there is none, the default"
        )
        assert entries.update("c", lambda had: UNCHANGED) is None
        assert entries.entries() == before, "UNCHANGED leaves value, order and times, and stores nothing"

    def test_what_fn_does_to_its_argument_is_its_own(self, entries: KeyedStore) -> None:
        entries.register("a", [1])
        assert entries.update("a", lambda had: had.append(2) or UNCHANGED) == [1], "UNCHANGED returns what is stored"
        assert entries.lookup("a") == [1], "changing the argument changes no store"
        default: list[int] = []
        assert entries.update("b", lambda had: had.append(1) or had, default=default) == [1]
        assert default == [], "changing the argument must not change the caller's default"
        kept: list[Any] = [[1]]
        returned = entries.update("c", lambda had: kept[0])
        kept[0].append(2)
        returned.append(3)
        assert entries.lookup("c") == [1], "a value is copied when it is stored, and when it is returned"

    @pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
    def test_what_fn_raises_is_raised_and_nothing_is_written(
        self, store: StateStore, entries: KeyedStore, error: Exception
    ) -> None:
        before = deepcopy(vars(error))
        entries.register("a", [1])

        def fail(had: Any) -> Any:
            if had is not None:
                had.append(2)
            raise error

        for key in ("a", "b"):
            with pytest.raises(type(error)) as raised:
                entries.update(key, fail)
            assert raised.value is error, f"update must raise the very error that fn raised, not {raised.value!r}"
        assert vars(error) == before, "the error is as fn raised it"
        assert listed(entries) == [["a", [1]]], "where fn raises, update writes nothing"
        assert entries.update("a", lambda had: [*had, 2]) == [1, 2], "after that the entry can be updated"

    def test_what_fn_returns_must_be_json(self, entries: KeyedStore) -> None:
        entries.register("a", 1)
        too_long = "x" * self.max_value_bytes
        for key in ("a", "b"):
            refusal("update", NotSerializable, entries.update, key, lambda had: {1})
            refusal("update", BadArgument, entries.update, key, lambda had: too_long)
        assert listed(entries) == [["a", 1]], "a refused value is not stored"
        entries.register("b", 2)
        assert entries.update("b", lambda had: had + 1) == 3, "a refusal leaves the store in order"

    def test_update_writes_as_register_does(self, store: StateStore, entries: KeyedStore) -> None:
        for key in "abc":
            entries.register(key, 1, ttl=self.short)
        entries.update("a", lambda had: had)
        assert keys_of(entries) == ["b", "c", "a"], "update makes the entry the newest, even by an equal value"
        entries.update("b", lambda had: 2, ttl=self.long)
        self.advance(store, self.short)
        assert listed(entries) == [["a", 1], ["b", 2]], "update begins the expiry anew"

    def test_update_takes_the_default_ttl(self, store: StateStore, opened: Opener) -> None:
        entries = opened(default_ttl=self.short)
        entries.update("a", lambda had: 1)
        entries.update("b", lambda had: 1, ttl=self.long)
        self.advance(store, self.short)
        assert listed(entries) == [["b", 1]], "an update's ttl is the namespace's, or its own"

    def test_what_expired_is_absent_for_fn(self, store: StateStore, entries: KeyedStore) -> None:
        entries.register("a", "old", ttl=self.short)
        self.advance(store, self.short)
        assert entries.update("a", lambda had: UNCHANGED, default="gone") == "gone", "what expired is not there"
        assert entries.update("a", lambda had: [had]) == [None], "fn must not be given what expired"
        self.advance(store, self.short)
        assert entries.lookup("a") == [None], "an update of what expired must not inherit the expiry"

    def test_an_update_that_another_writer_interferes_with(
        self, store: StateStore, entries: KeyedStore, real_transactions: None
    ) -> None:
        given: list[int] = []
        entries.register("a", 0)
        others: list[Thread] = []

        def interfere() -> None:
            try:
                entries.register("a", 100)
            finally:
                self.end_thread(store)

        def increment(had: int) -> int:
            given.append(had)
            if not others:
                others.append(Thread(target=interfere))
                others[0].start()
                # A store that lets nobody write meanwhile makes the other one wait.
                others[0].join(0.5)
            return had + 1

        returned = entries.update("a", increment)
        others[0].join()
        last = entries.lookup("a")
        assert returned == given[-1] + 1, "update returns what came of the last call of fn"
        assert [given, last] in ([[0, 100], 101], [[0], 100]), (
            f"fn is called again with what another wrote meanwhile, or the other one waits: {given}, then {last}"
        )

    def test_an_update_whose_entry_another_writer_removes(
        self, store: StateStore, entries: KeyedStore, real_transactions: None
    ) -> None:
        def append(had: list[str]) -> list[str]:
            seen.append(list(had))
            had.append("mine")
            if len(seen) <= len(steps):
                other = Thread(target=self._run, args=(store, steps[len(seen) - 1]))
                others.append(other)
                other.start()
                other.join(0.5)
            return had

        seen: list[list[str]] = []
        others: list[Thread] = []
        steps = [lambda: entries.register("a", ["other"]), lambda: entries.delete("a")]
        returned = entries.update("a", append, default=[])
        for other in others:
            other.join()
        # A store that lets nobody write meanwhile calls fn once.
        assert seen in ([[], ["other"], []], [[]]), f"fn is given the default as it is each time: {seen}"
        assert returned == ["mine"], "what fn did in an earlier call is forgotten"

    def _run(self, store: StateStore, step: Any) -> None:
        with suppress(Exception):
            step()
        self.end_thread(store)
