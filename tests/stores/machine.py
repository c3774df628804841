"""A machine that drives a store and a plain Python model side by side.

BOTSTATE_TEST_STEPS: how many steps in all, 2,000 by default.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from botstate.contracts.stores import StateStore
from botstate.testing.conformance.exact_values import is_same
from tests.stores.model import Model

STEPS = int(os.environ.get("BOTSTATE_TEST_STEPS", "2000"))
STEPS_PER_EXAMPLE = 50
MACHINES = [None, "kv", "list", "lock", "dedup", "queue"]
# Hypothesis ends some examples early.
EXAMPLES = STEPS // len(MACHINES) // 40 + 1

KEYS = ["a", "a "]
keys = st.sampled_from(KEYS)
values = st.one_of(
    st.sampled_from([None, True, 0, 1, 1.0, -0.0, 1e16, 2**70, "", "\x00", [], {}, {"b": 1, "a": [1.0]}]),
    st.integers(0, 9),
)
some_values = st.lists(values, min_size=1, max_size=4)
# Far apart, so that the seconds for which the test itself runs decide nothing.
durations = st.sampled_from([10, 30, 60])
ttls = st.none() | durations
bounds = st.none() | st.integers(1, 3)
policies = st.sampled_from(["drop-oldest", "drop-newest"])
# Which of the tokens given out so far, counted from the latest, and on which key: mostly on its own.
picks = st.tuples(st.integers(0, 2), st.none() | st.none() | st.sampled_from(KEYS))

Pick = tuple[int, str | None]


def facet_rule(facet: str, **arguments: Any) -> Callable[[Any], Any]:
    """A rule that is left out where the machine keeps to another facet."""

    def decorate(step: Any) -> Any:
        return precondition(lambda self: self.focus in (None, facet))(rule(**arguments)(step))

    return decorate


class StoreMachine(RuleBasedStateMachine):
    """Each rule does one thing to both, and compares what they give."""

    #: The facet that this machine keeps to, so that long stories about one key happen; None for all of them at once.
    focus: ClassVar[str | None] = None
    steps: ClassVar[int] = 0

    def make_store(self) -> StateStore:
        """Return an empty store. Each backend's test says how."""
        raise NotImplementedError

    def move_clock(self, seconds: int) -> None:
        """Let so much time pass for the store."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.model = Model()
        self.lock_tokens: list[tuple[str, str]] = []
        self.dedup_tokens: list[tuple[str, str]] = []
        self.queue_tokens: list[tuple[str, str]] = []
        self.fences: dict[str, int] = {}

    @invariant()
    def count(self) -> None:
        type(self).steps += 1

    @staticmethod
    def same(got: Any, expected: Any) -> None:
        assert is_same(got, expected), f"the store gave {got!r}, the model {expected!r}"

    @rule(seconds=st.sampled_from([5, 10, 25]))
    def advance(self, seconds: int) -> None:
        self.model.now += seconds
        self.move_clock(seconds)

    @rule(limit=st.integers(1, 5))
    def sweep(self, limit: int) -> None:
        assert max(self.store.sweep(limit).values()) <= limit

    @facet_rule("kv", key=keys, value=values, ttl=ttls)
    def kv_set(self, key: str, value: Any, ttl: int | None) -> None:
        self.store.kv.set(key, value, ttl=ttl)
        self.model.set(key, value, ttl)

    @facet_rule("kv", key=keys)
    def kv_get(self, key: str) -> None:
        self.same(self.store.kv.get(key, "missing"), self.model.get(key, "missing"))

    @facet_rule("kv", key=keys)
    def kv_consume(self, key: str) -> None:
        self.same(self.store.kv.consume(key, "missing"), self.model.consume(key, "missing"))

    @facet_rule("kv", key=keys)
    def kv_delete(self, key: str) -> None:
        missing = object()
        self.same(self.store.kv.delete(key), self.model.consume(key, missing) is not missing)

    @facet_rule("list", key=keys, some=some_values, max_len=bounds, ttl=ttls)
    def list_append(self, key: str, some: list[Any], max_len: int | None, ttl: int | None) -> None:
        for value in some:
            got = self.store.list.append(key, value, max_len=max_len, ttl=ttl)
            self.same(got, self.model.append(key, value, max_len, ttl))

    @facet_rule("list", key=keys, start=st.integers(0, 4), stop=st.none() | st.integers(0, 4))
    def list_range(self, key: str, start: int, stop: int | None) -> None:
        self.same(self.store.list.range(key, start, stop), self.model.range(key, start, stop))

    @facet_rule("list", key=keys, max_len=st.integers(0, 3))
    def list_trim(self, key: str, max_len: int) -> None:
        self.store.list.trim(key, max_len)
        self.model.trim(key, max_len)
        self.list_range(key, 0, None)

    @facet_rule("list", key=keys)
    def list_delete(self, key: str) -> None:
        self.same(self.store.list.delete(key), self.model.delete_list(key))

    @facet_rule("lock", key=keys, ttl=durations)
    def lock_acquire(self, key: str, ttl: int) -> None:
        lock = self.store.lock.acquire(key, ttl=ttl)
        self.same(lock is not None, self.model.holder(key) is None)
        if lock is not None:
            assert lock.fence > self.fences.get(key, 0), "a fence must grow with every holder"
            self.fences[key] = lock.fence
            self.lock_tokens.append((key, lock.token))
            self.model.locks[key] = (lock.token, self.model.until(ttl))

    @precondition(lambda self: self.lock_tokens)
    @facet_rule("lock", pick=picks)
    def lock_release(self, pick: Pick) -> None:
        key, token = self.picked(self.lock_tokens, *pick)
        self.same(self.store.lock.release(key, token), self.model.release(key, token))

    @precondition(lambda self: self.lock_tokens)
    @facet_rule("lock", pick=picks, ttl=durations)
    def lock_extend(self, pick: Pick, ttl: int) -> None:
        key, token = self.picked(self.lock_tokens, *pick)
        self.same(self.store.lock.extend(key, token, ttl), self.model.extend(key, token, ttl))

    @facet_rule("lock", key=keys)
    def lock_force_release(self, key: str) -> None:
        self.same(self.store.lock.force_release(key), self.model.release(key, None))

    @facet_rule("dedup", key=keys, ttl=durations)
    def dedup_seen(self, key: str, ttl: int) -> None:
        self.same(self.store.dedup.seen(key, ttl), self.model.seen(key, ttl))

    @facet_rule("dedup", key=keys)
    def dedup_check(self, key: str) -> None:
        self.same(self.store.dedup.check(key), self.model.check(key))

    @facet_rule("dedup", key=keys, lease=durations)
    def dedup_claim(self, key: str, lease: int) -> None:
        token = self.store.dedup.claim(key, lease)
        self.same(token is not None, self.model.check(key) == "new")
        if token is not None:
            self.dedup_tokens.append((key, token))
            self.model.dedup[key] = (token, self.model.until(lease))

    @precondition(lambda self: self.dedup_tokens)
    @facet_rule("dedup", pick=picks, ttl=durations)
    def dedup_commit(self, pick: Pick, ttl: int) -> None:
        key, token = self.picked(self.dedup_tokens, *pick)
        self.same(self.store.dedup.commit(key, token, ttl), self.model.settle(key, token, ttl))

    @precondition(lambda self: self.dedup_tokens)
    @facet_rule("dedup", pick=picks)
    def dedup_release(self, pick: Pick) -> None:
        key, token = self.picked(self.dedup_tokens, *pick)
        self.same(self.store.dedup.release(key, token), self.model.settle(key, token, None))

    @facet_rule("queue", key=keys, some=some_values, max_size=bounds, on_full=policies, ttl=ttls)
    def queue_enqueue(self, key: str, some: list[Any], max_size: int | None, on_full: Any, ttl: int | None) -> None:
        for value in some:
            got = self.store.queue.enqueue(key, value, max_size=max_size, on_full=on_full, ttl=ttl)
            self.same(got, self.model.enqueue(key, value, max_size, on_full, ttl))

    @facet_rule("queue", key=keys)
    def queue_dequeue(self, key: str) -> None:
        self.same(self.store.queue.dequeue(key, "empty"), self.model.dequeue(key, "empty"))

    @facet_rule("queue", key=keys)
    def queue_depth(self, key: str) -> None:
        self.same(self.store.queue.depth(key), self.model.depth(key))

    @facet_rule("queue", key=keys, lease=durations)
    def queue_claim(self, key: str, lease: int) -> None:
        claim = self.store.queue.claim(key, lease)
        expected = self.model.claim(key, claim and claim.token, lease)
        got = None if claim is None else [claim.value, claim.attempt]
        self.same(got, None if expected is None else list(expected))
        if claim is not None:
            self.queue_tokens.append((key, claim.token))

    @facet_rule(
        "queue", key=keys, lease=durations, ends=st.lists(st.sampled_from(["ack", "nack", "lapse"]), max_size=4)
    )
    def queue_work(self, key: str, lease: int, ends: list[str]) -> None:
        """Claim one item after the other and end each claim in one way or another."""
        for end in ends:
            given = len(self.queue_tokens)
            self.queue_claim(key, lease)
            if end == "lapse":
                self.advance(lease)
            if len(self.queue_tokens) > given:
                self.queue_end_claim((0, None), end == "ack")

    @precondition(lambda self: self.queue_tokens)
    @facet_rule("queue", pick=picks, ack=st.booleans())
    def queue_end_claim(self, pick: Pick, ack: bool) -> None:
        key, token = self.picked(self.queue_tokens, *pick)
        end: Callable[[str, str], bool] = self.store.queue.ack if ack else self.store.queue.nack
        self.same(end(key, token), self.model.end_claim(key, token, ack))

    @staticmethod
    def picked(tokens: list[tuple[str, str]], back: int, elsewhere: str | None) -> tuple[str, str]:
        key, token = tokens[-1 - back % len(tokens)]
        return elsewhere or key, token

    def teardown(self) -> None:
        for key in KEYS:
            self.kv_get(key)
            self.list_range(key, 0, None)
            self.dedup_check(key)
            self.queue_depth(key)
            self.lock_force_release(key)
            for _ in range(self.model.depth(key) + 1):
                self.queue_dequeue(key)


def assert_no_difference(machine: type[StoreMachine], facet: str | None) -> None:
    """Run the machine, keeping to one facet unless that is None, and see that it took its steps."""
    focused = type("FocusedMachine", (machine,), {"focus": facet, "steps": 0})
    run_state_machine_as_test(
        focused,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_PER_EXAMPLE,
            phases=[Phase.generate, Phase.shrink],
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert focused.steps >= STEPS // len(MACHINES), f"only {focused.steps} steps were taken"
