"""Keyed entries of some store and of the portable ORM path are driven side by side, and give the same answers."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.db.models import F
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from botstate.contracts.stores import StateStore
from botstate.exceptions import LimitExceeded
from botstate.keyed import UNCHANGED, Entry, FoundEntry, KeyedStore, open_keyed_store
from botstate.models.stores import KeyedEntry
from botstate.stores import OrmStore

EXAMPLES = 40

#: Two of them in the same place for a collation; one of each length in UTF-8.
KEYS = ["a", "a ", "A", "\x00", "é", "\uffff", "\U0001f600"]
# Mostly the same, so that long stories about one key happen.
keys = st.sampled_from([*KEYS[:2] * 6, *KEYS])
values = st.sampled_from([None, 0, 1, 1.0, "é", {"b": 1, "a": []}])
# Far apart, so that the seconds for which the test itself runs decide nothing.
ttls = st.sampled_from([None, 10, 30])
edges = st.none() | st.sampled_from([*KEYS, "b", "a\x00", "é~"])
orders = st.sampled_from(["asc", "desc"])
bounds = st.sampled_from([(None, "evict-oldest"), (1, "evict-oldest"), (3, "evict-oldest"), (2, "reject-new")])


def put_in_a_list(value: Any) -> Any:
    """Change a value; leave one that was changed before."""
    return UNCHANGED if isinstance(value, list) else [value]


calls = st.one_of(
    st.tuples(st.just("register"), keys, values, ttls),
    st.tuples(st.just("register"), keys, values, ttls),
    st.tuples(st.just("register_if_absent"), keys, values, ttls),
    st.tuples(st.just("update"), keys, st.just(put_in_a_list), ttls),
    st.tuples(st.just("compare_and_set"), keys, values, values, ttls),
    st.tuples(st.just("lookup"), keys, st.just("missing")),
    st.tuples(st.just("lookup_entry"), keys),
    st.tuples(st.just("lookup_many"), st.lists(keys, max_size=5), st.just("missing")),
    st.tuples(st.just("consume"), keys, st.just("missing")),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("delete_if"), keys, values),
    st.tuples(st.just("entries")),
    st.tuples(st.just("entries_in_range"), edges, edges, st.integers(1, 4), orders),
    st.tuples(st.just("count")),
    st.tuples(st.just("clear")),
    st.tuples(st.just("advance"), st.sampled_from([5, 10, 25])),
)
#: What is looked at after each call.
PROBES: list[tuple[str, tuple[Any, ...]]] = [("entries", ()), ("entries_in_range", ()), ("count", ())]
#: Which of two collections, with which bound this time, and what is called.
names = st.sampled_from(["one"] * 4 + ["other"])
steps = st.lists(st.tuples(names, bounds, calls), min_size=40, max_size=60)


def advance_orm(seconds: int) -> None:
    """Let so much time pass for the ORM's entries."""
    KeyedEntry.objects.update(expires_us=F("expires_us") - seconds * 1_000_000)


def answer(store: StateStore, name: str, bound: tuple[int | None, Any], method: str, arguments: tuple[Any, ...]) -> Any:
    """Call it and return what can be compared: times by two clocks cannot."""
    collection: KeyedStore = open_keyed_store(name, bound[0], overflow=bound[1], store=store)
    try:
        got = getattr(collection, method)(*arguments)
    except LimitExceeded:
        return "full"
    if isinstance(got, FoundEntry):
        assert got.created_at <= got.found_at
        assert got.expires_at is None or got.found_at < got.expires_at
    entries = got if isinstance(got, list) else [got]
    # As text, for 1 equals 1.0 and True.
    return repr([_told(entry) if isinstance(entry, Entry) else entry for entry in entries])


def _told(entry: Entry) -> Any:
    return entry.key, entry.value, entry.expires_at is None


def assert_same_answers(make_store: Callable[[], StateStore], advance: Callable[[int], None]) -> None:
    """Make the same calls to both until they differ. `make_store` returns an empty one."""

    # Not shrunk, which takes minutes: the step that differs says enough.
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps)
    def same(steps: list[Any]) -> None:
        store, orm = make_store(), OrmStore(namespace=uuid4().hex, portable=True)
        for number, (name, bound, (method, *arguments)) in enumerate(steps):
            if method == "advance":
                advance(*arguments)
                advance_orm(*arguments)
            for call in ((method, arguments), PROBES[number % len(PROBES)]):
                if call[0] != "advance":
                    got, expected = (answer(each, name, bound, *call) for each in (store, orm))
                    assert got == expected, f"step {number}, {call}: {got}, and on the ORM {expected}"

    same()
