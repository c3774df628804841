"""JSON in, equal JSON out; every refusal says where the offender is."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botstate.exact_json import MAX_DEPTH, MAX_DIGITS, dumps, loads, loads_foreign
from botstate.exceptions import NotSerializable, StoreError
from botstate.testing.conformance.exact_values import EXACT, REFUSED, is_same, nested

pytestmark = pytest.mark.once

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
) | st.integers(-(10**80), 10**80)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
offenders = st.sampled_from([math.nan, -math.inf, (1,), {1}, b"", "\ud800", object(), {1: 2}, {"\udfff": 1}, 10**4300])


@settings(derandomize=True, database=None, deadline=None)
@given(values)
def test_any_json_comes_back_equal_in_value_and_type(value: Any) -> None:
    text = dumps(value)
    assert text.isascii(), "the text is ASCII, whatever the value"
    assert "\x00" not in text
    assert is_same(loads(text), value)
    assert is_same(loads_foreign(text), value), "what may be stored may also come from outside"
    assert dumps(loads(text)) == text, "the text of a value is always the same"


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(st.integers(0, 3) | st.sampled_from(["a", "key", "\x00", "é"]), max_size=6), offenders)
def test_every_refusal_names_the_place(steps: list[int | str], offender: Any) -> None:
    value, place = offender, ""
    for step in reversed(steps):
        value = [0] * step + [value] if isinstance(step, int) else {"good": 1, step: value}
        place = f"[{step!a}]{place}"
    with pytest.raises(NotSerializable) as refusal:
        dumps(value)
    if type(offender) is dict and "\udfff" in offender:
        place += r"['\udfff']"
    assert str(refusal.value).startswith(f"value{place} "), "the refusal names the offender by its way from the outside"


@pytest.mark.parametrize("name", list(EXACT))
def test_the_named_values_come_back(name: str) -> None:
    assert is_same(loads(dumps(EXACT[name])), EXACT[name])


@pytest.mark.parametrize("name", list(REFUSED))
def test_the_named_offenders_are_refused(name: str) -> None:
    with pytest.raises(NotSerializable) as refusal:
        dumps(REFUSED[name], "the state")
    assert str(refusal.value).startswith("the state"), "the caller's name for the value begins the refusal"
    assert isinstance(refusal.value, StoreError)
    assert isinstance(refusal.value, TypeError)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ((1,), "value is of type tuple, which is not JSON"),
        ({"a": [0, {1}]}, "value['a'][1] is of type set, which is not JSON"),
        ([math.nan], "value[0] is nan, which JSON has no number for"),
        ({"a": "b\ud800"}, "value['a'] holds a lone surrogate at 1"),
        ({"a": {1: 2}}, "value['a'] has a key of type int; JSON keys are str"),
        ({"a": {"k\udfff": 2}}, r"value['a']['k\udfff'] holds a lone surrogate at 1"),
        ([10**MAX_DIGITS], f"value[0] is an integer of more than {MAX_DIGITS} digits"),
        (nested(MAX_DEPTH + 1), f"is nested more than {MAX_DEPTH} deep"),
    ],
)
def test_what_a_refusal_says(value: Any, said: str) -> None:
    with pytest.raises(NotSerializable) as refusal:
        dumps(value)
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 500, "a refusal stays short"


def test_a_refusal_of_a_huge_thing_stays_short() -> None:
    with pytest.raises(NotSerializable) as refusal:
        dumps({"k" * 100_000: {"x" * 100_000: ("v" * 100_000,)}})
    assert len(str(refusal.value)) < 500


def test_depth_counts_lists_and_dicts_alike() -> None:
    deep: Any = 1
    for number in range(MAX_DEPTH):
        deep = [deep] if number % 2 else {"a": deep}
    assert is_same(loads(dumps(deep)), deep), "a nesting of 100 is stored"
    with pytest.raises(NotSerializable, match="deep"):
        dumps([deep])


def test_key_order_is_kept() -> None:
    assert dumps({"b": 1, "a": {"d": 1, "c": 2}}) == '{"b":1,"a":{"d":1,"c":2}}'


@pytest.mark.parametrize("text", ["", "{", "nul", "[1,]", "'a'", "{'a': 1}", "[" * 100_000, "1 2"])
def test_foreign_text_that_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError) as refusal:
        loads_foreign(text)
    assert not isinstance(refusal.value, NotSerializable)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "1e999", r'"\ud800"', r'{"\udfff": 1}', "[" * 101 + "]" * 101]
)
def test_foreign_json_that_could_not_be_stored_is_refused(text: str) -> None:
    with pytest.raises(NotSerializable):
        loads_foreign(text)


def test_foreign_integers_have_the_same_bound() -> None:
    assert loads_foreign("9" * MAX_DIGITS) == 10**MAX_DIGITS - 1
    with pytest.raises(ValueError, match="digits"):
        loads_foreign("9" * (MAX_DIGITS + 1))


def test_foreign_escapes_of_a_pair_are_one_character() -> None:
    assert loads_foreign(json.dumps("\U0001f600")) == "\U0001f600"
