"""Durations as people write them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botstate.durations import MAX_SECONDS, optional_microseconds, to_microseconds

pytestmark = pytest.mark.once

UNITS = {"ms": 1_000, "s": 10**6, "m": 60 * 10**6, "h": 3_600 * 10**6, "d": 86_400 * 10**6}


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        (1, 1_000_000),
        (30, 30_000_000),
        (0.5, 500_000),
        (1.5, 1_500_000),
        (1e-6, 1),
        (1e-9, 1),
        (5e-324, 1),
        (timedelta(microseconds=1), 1),
        (timedelta(days=30), 30 * 86_400 * 10**6),
        ("1ms", 1_000),
        ("500ms", 500_000),
        ("0.5ms", 500),
        ("30s", 30_000_000),
        ("1.5s", 1_500_000),
        ("5m", 300_000_000),
        ("12h", 12 * 3_600 * 10**6),
        ("1.5h", 5_400 * 10**6),
        ("30d", 30 * 86_400 * 10**6),
        ("007s", 7_000_000),
        (MAX_SECONDS, MAX_SECONDS * 10**6),
        ("36500d", MAX_SECONDS * 10**6),
    ],
)
def test_the_forms(value: Any, microseconds: int) -> None:
    assert to_microseconds(value, "ttl") == microseconds
    assert type(to_microseconds(value, "ttl")) is int


@pytest.mark.parametrize(
    "value",
    [
        0,
        0.0,
        -0.0,
        -1,
        -1e-9,
        float("nan"),
        float("inf"),
        float("-inf"),
        timedelta(0),
        timedelta(days=-1),
        timedelta.max,
        timedelta.min,
        MAX_SECONDS + 1,
        10**400,
        -(10**400),
        1e308,
        "0s",
        "0.0ms",
        "36501d",
        "9" * 15 + "d",
    ],
)
def test_out_of_bounds_names_the_bounds(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^lease must be more than zero and at most 100 years, not "):
        to_microseconds(value, "lease")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        " ",
        "30",
        "s",
        "30 s",
        " 30s",
        "30s ",
        "30s\n",
        "+30s",
        "-30s",
        "1h30m",
        "30S",
        "30sec",
        "30w",
        "1e3s",
        ".5s",
        "5.s",
        "1,5s",
        "٣s",
        "3０s",
        "nan",
        "infs",
        "0x10s",
        b"30s",
        [30],
        (30,),
        {},
        Decimal(30),
        1j,
        "1_0s",
        "1" * 16 + "s",
        "30µs",
    ],
)
def test_what_is_no_duration_names_the_forms(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^ttl must be seconds, a timedelta or text such as '500ms'"):
        to_microseconds(value, "ttl")


def test_a_refusal_of_a_huge_thing_stays_short() -> None:
    for value in ("x" * 100_000, ["x"] * 100_000):
        with pytest.raises(ValueError, match=r"^ttl must be ") as refusal:
            to_microseconds(value, "ttl")  # type: ignore[arg-type]
        assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("value", [10**5_000, -(10**5_000)], ids=["positive", "negative"])
def test_an_int_too_long_for_text_is_refused_by_its_bound(value: int) -> None:
    with pytest.raises(ValueError, match=r"^ttl must be more than zero and at most 100 years"):
        to_microseconds(value, "ttl")


def test_none_is_no_limit_only_where_that_is_meant() -> None:
    assert optional_microseconds(None, "ttl") is None
    assert optional_microseconds("1s", "ttl") == 1_000_000
    with pytest.raises(ValueError, match=r"^retention must be"):
        optional_microseconds(0, "retention")


@settings(derandomize=True, database=None, deadline=None)
@given(st.integers(1, 10**9), st.sampled_from(list(UNITS)))
def test_text_means_what_it_says(count: int, unit: str) -> None:
    if count * UNITS[unit] <= MAX_SECONDS * 10**6:
        assert to_microseconds(f"{count}{unit}", "ttl") == count * UNITS[unit]
    else:
        with pytest.raises(ValueError, match="at most 100 years"):
            to_microseconds(f"{count}{unit}", "ttl")


@settings(derandomize=True, database=None, deadline=None)
@given(st.integers(1, MAX_SECONDS))
def test_all_forms_agree(seconds: int) -> None:
    forms = [seconds, float(seconds), timedelta(seconds=seconds), f"{seconds}s", f"{seconds}.0s"]
    assert {to_microseconds(form, "ttl") for form in forms} == {seconds * 10**6}
