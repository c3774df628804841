"""A machine that drives keyed stores and a plain Python model side by side.

BOTSTATE_TEST_STEPS: how many steps in all, 2,000 by default.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from botstate.contracts.stores import StateStore
from botstate.exceptions import LimitExceeded
from botstate.keyed import UNCHANGED, Entry, KeyedStore, open_keyed_store
from botstate.testing.conformance.exact_values import is_same
from tests.stores.keyed.model import Bound, KeyedModel, Row
from tests.stores.machine import STEPS, STEPS_PER_EXAMPLE

#: How a machine opens its namespaces, so that long stories of one kind happen; "mixed" opens them in every way.
MACHINES: dict[str, list[Bound]] = {
    "unbounded": [Bound(), Bound(default_ttl=30)],
    "evicting": [Bound(3), Bound(3, default_ttl=10)],
    "rejecting": [Bound(3, rejects=True), Bound(3, rejects=True, default_ttl=10)],
    "mixed": [Bound(), Bound(2), Bound(4), Bound(2, rejects=True), Bound(4, rejects=True), Bound(retained=True)],
}
# Hypothesis ends some examples early.
EXAMPLES = STEPS // len(MACHINES) // 40 + 1

NAMESPACES = ["a", "a:"]
#: Not in this order, and one that only its last character tells from another.
KEYS = ["b", "a", "a ", "\uffff", "\U0001f600", "k" * 300, "k" * 300 + "\x00"]
namespaces = st.sampled_from([*NAMESPACES[:1] * 3, *NAMESPACES])
keys = st.sampled_from([*KEYS[:4] * 2, *KEYS])
values = st.sampled_from([None, 0, 1, 1.0, -0.0, 2**70, "", {"b": 1, "a": [1.0]}, {"a": [1.0], "b": 1}])
# Far apart, so that the seconds for which the test itself runs decide nothing.
ttls = st.sampled_from([None, None, 10, 30, 60])
edges = st.none() | st.sampled_from([*KEYS, "a\x00", "k" * 299 + "l", "z"])
#: An index into the machine's bounds.
bounds = st.integers(0, 5)
FULL = "full"
MISSING = "missing"


def wrapped(had: Any) -> Any:
    return [had] if not isinstance(had, list) else 0


def unchanged(had: Any) -> Any:
    return UNCHANGED


def failing(had: Any) -> Any:
    raise ZeroDivisionError


def answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except LimitExceeded:
        return FULL


class KeyedMachine(RuleBasedStateMachine):
    """Each rule does one thing to both and compares what they give, and then everything that the namespace holds."""

    kind: ClassVar[list[Bound]] = []
    #: False where `move_clock` moves expiries only, so that `created_at` tells nothing.
    moves_creation: ClassVar[bool] = True
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
        self.model = KeyedModel()

    @invariant()
    def count(self) -> None:
        type(self).steps += 1

    def at(self, namespace: str, bound: int) -> tuple[KeyedStore, Bound]:
        chosen = self.kind[bound % len(self.kind)]
        return open_keyed_store(namespace, store=self.store, **chosen.options), chosen

    def same(self, got: Any, expected: Any, *looked_at: Any) -> None:
        assert is_same(got, expected), f"the store gave {got!r}, the model {expected!r}"
        if looked_at:
            self.look(*looked_at)

    def look(self, namespace: str, entries: KeyedStore, bound: Bound) -> None:
        got = [[entry.key, entry.value, self.ttl_of(entry)] for entry in entries.entries()]
        rows = self.model.live(namespace, bound)
        self.same(got, [[key, row.value, self.shown(row.ttl)] for key, row in rows.items()])

    def ttl_of(self, entry: Entry) -> Any:
        if entry.expires_at is None:
            return None
        return (entry.expires_at - entry.created_at).total_seconds() if self.moves_creation else "some"

    def shown(self, ttl: float | None) -> Any:
        if ttl is None:
            return None
        return float(ttl) if self.moves_creation else "some"

    @rule(seconds=st.sampled_from([5, 10, 25]))
    def advance(self, seconds: int) -> None:
        self.model.now += seconds
        self.move_clock(seconds)

    @rule(limit=st.integers(1, 5))
    def sweep(self, limit: int) -> None:
        assert max(self.store.sweep(limit).values()) <= limit

    @rule(namespace=namespaces, bound=bounds, some=st.lists(keys, min_size=1, max_size=4), value=values, ttl=ttls)
    def register(self, namespace: str, bound: int, some: list[str], value: Any, ttl: int | None) -> None:
        entries, chosen = self.at(namespace, bound)
        ttl = None if chosen.retained else ttl
        for key in some:
            got = answer(partial(entries.register, key, value, ttl=ttl))
            self.same(got, None if self.model.write(namespace, chosen, key, value, ttl) else FULL)
        self.look(namespace, entries, chosen)

    @rule(namespace=namespaces, bound=bounds, key=keys, value=values, ttl=ttls)
    def register_if_absent(self, namespace: str, bound: int, key: str, value: Any, ttl: int | None) -> None:
        entries, chosen = self.at(namespace, bound)
        ttl = None if chosen.retained else ttl
        expected: Any = False
        if key not in self.model.live(namespace, chosen):
            expected = self.model.write(namespace, chosen, key, value, ttl) or FULL
        got = answer(partial(entries.register_if_absent, key, value, ttl=ttl))
        self.same(got, expected, namespace, entries, chosen)

    @rule(
        namespace=namespaces,
        bound=bounds,
        key=keys,
        fn=st.sampled_from([wrapped, wrapped, unchanged, failing]),
        ttl=ttls,
    )
    def update(self, namespace: str, bound: int, key: str, fn: Callable[[Any], Any], ttl: int | None) -> None:
        entries, chosen = self.at(namespace, bound)
        ttl = None if chosen.retained else ttl
        row = self.model.live(namespace, chosen).get(key, Row(MISSING, None, 0))
        if fn is failing:
            expected = "failed"
        elif fn is unchanged:
            expected = row.value
        else:
            expected = fn(row.value)
            if not self.model.write(namespace, chosen, key, expected, ttl):
                expected = FULL
        try:
            got = answer(partial(entries.update, key, fn, ttl=ttl, default=MISSING))
        except ZeroDivisionError:
            got = "failed"
        self.same(got, expected, namespace, entries, chosen)

    @rule(
        namespace=namespaces,
        bound=bounds,
        key=keys,
        expected=st.none() | values,
        new=values,
        ttl=ttls,
        hits=st.booleans(),
    )
    def compare_and_set(
        self, *, namespace: str, bound: int, key: str, expected: Any, new: Any, ttl: int | None, hits: bool
    ) -> None:
        entries, chosen = self.at(namespace, bound)
        ttl = None if chosen.retained else ttl
        row = self.model.live(namespace, chosen).get(key)
        if hits and row is not None:
            expected = row.value
        is_expected = self.model.equals(namespace, chosen, key, expected)
        got = entries.compare_and_set(key, expected, new, ttl=ttl)
        if is_expected:
            assert self.model.write(namespace, chosen, key, new, ttl)
        self.same(got, is_expected, namespace, entries, chosen)

    @rule(
        namespace=namespaces,
        bound=bounds,
        key=keys,
        expected=values,
        how=st.sampled_from(["consume", "delete", "delete_if"]),
    )
    def remove(self, namespace: str, bound: int, key: str, expected: Any, how: str) -> None:
        entries, chosen = self.at(namespace, bound)
        live = self.model.live(namespace, chosen)
        if how == "delete_if":
            is_expected = self.model.equals(namespace, chosen, key, expected)
            if is_expected:
                del live[key]
            self.same(entries.delete_if(key, expected), is_expected, namespace, entries, chosen)
        elif how == "delete":
            self.same(entries.delete(key), live.pop(key, None) is not None, namespace, entries, chosen)
        else:
            value = live.pop(key, Row(MISSING, None, 0)).value
            self.same(entries.consume(key, MISSING), value, namespace, entries, chosen)

    @rule(namespace=namespaces, bound=bounds)
    def clear(self, namespace: str, bound: int) -> None:
        entries, chosen = self.at(namespace, bound)
        live = self.model.live(namespace, chosen)
        expected = len(live)
        live.clear()
        self.same(entries.clear(), expected, namespace, entries, chosen)

    @rule(namespace=namespaces, bound=bounds, some=st.lists(keys, max_size=5))
    def lookups(self, namespace: str, bound: int, some: list[str]) -> None:
        entries, chosen = self.at(namespace, bound)
        live = self.model.live(namespace, chosen)
        expected = [live[key].value if key in live else MISSING for key in some]
        self.same(entries.lookup_many(some, MISSING), expected)
        self.same([entries.lookup(key, MISSING) for key in some[:1]], expected[:1])
        found = [entries.lookup_entry(key) for key in some[:1]]
        self.same([MISSING if entry is None else entry.value for entry in found], expected[:1])
        self.same(entries.count(), len(live), namespace, entries, chosen)

    @rule(
        namespace=namespaces,
        bound=bounds,
        start=edges,
        end=edges,
        limit=st.sampled_from([1, 2, 3, 100]),
        order=st.sampled_from(["asc", "desc"]),
    )
    def ranges(self, *, namespace: str, bound: int, start: str | None, end: str | None, limit: int, order: Any) -> None:
        entries, chosen = self.at(namespace, bound)
        expected = self.model.in_range(namespace, chosen, start, end)
        expected = expected[::-1] if order == "desc" else expected
        got = [[entry.key, entry.value] for entry in entries.entries_in_range(start, end, limit, order)]
        self.same(got, expected[:limit])

    def teardown(self) -> None:
        for namespace in NAMESPACES:
            for number in range(len(self.kind)):
                entries, chosen = self.at(namespace, number)
                self.same(entries.count(), len(self.model.live(namespace, chosen)), namespace, entries, chosen)


def assert_no_difference(machine: type[KeyedMachine], kind: str) -> None:
    """Run the machine on namespaces of one kind, and see that it took its steps."""
    focused = type("FocusedMachine", (machine,), {"kind": MACHINES[kind], "steps": 0})
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
