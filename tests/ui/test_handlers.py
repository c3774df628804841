"""Bound handlers and how handlers are called."""

import os
import subprocess
import sys
from typing import Any

import pytest

from botstate import bind
from botstate.ui.handlers import call_arguments, can_take, qualified_name

pytestmark = pytest.mark.once


def by_keyword(thread: Any, click: Any, to: str) -> None: ...


def by_position(thread: Any, click: Any, args: Any) -> None: ...


def without(thread: Any, click: Any) -> None: ...


def with_anything(thread: Any, click: Any, **args: Any) -> None: ...


def with_default(thread: Any, click: Any, to: Any = None) -> None: ...


def with_rest(thread: Any, click: Any, *rest: Any) -> None: ...


@pytest.mark.parametrize(
    ("handler", "args", "expected"),
    [
        (by_keyword, {"to": "on-call"}, (("t", "c"), {"to": "on-call"})),
        (with_anything, {"to": 1, "cc": 2}, (("t", "c"), {"to": 1, "cc": 2})),
        (by_position, {"to": "on-call"}, (("t", "c", {"to": "on-call"}), {})),
        (by_position, ["on-call"], (("t", "c", ["on-call"]), {})),
        (without, {"to": "on-call"}, (("t", "c"), {})),
        (without, None, (("t", "c"), {})),
        (without, "on-call", (("t", "c"), {})),
        (with_anything, "on-call", (("t", "c"), {})),
        (with_default, "on-call", (("t", "c", "on-call"), {})),
        (with_default, False, (("t", "c", False), {})),
        (with_default, {"to": "on-call"}, (("t", "c"), {"to": "on-call"})),
        (with_default, {}, (("t", "c"), {})),
        (with_default, None, (("t", "c"), {})),
        (with_rest, ["on-call"], (("t", "c", ["on-call"]), {})),
        (by_position, {}, (("t", "c", {}), {})),
    ],
)
def test_bound_arguments_arrive_in_the_shape_that_the_handler_takes(handler: Any, args: Any, expected: Any) -> None:
    assert call_arguments(handler, ("t", "c"), args) == expected


def test_bind_refuses_what_is_no_function_or_bound_already() -> None:
    with pytest.raises(TypeError, match="str"):
        bind("assign", {})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="BoundHandler"):
        bind(bind(without, {}), {})


def test_a_bound_handler_goes_by_its_functions_name() -> None:
    assert qualified_name(bind(without, {})) == qualified_name(without) == f"{__name__}.without"


def test_bound_arguments_that_the_handler_does_not_know_are_refused_when_binding() -> None:
    def optional(thread: Any, click: Any, to: str = "everyone") -> None: ...

    with pytest.raises(TypeError, match="too"):
        bind(optional, {"too": "ann"})


@pytest.mark.parametrize(
    ("handler", "stored", "is_taken"),
    [
        (bind(by_keyword, {"to": "a"}), {"to": "b"}, True),
        (bind(by_keyword, {"to": "a"}), {"team": "b"}, False),
        (bind(by_keyword, {"to": "a"}), {}, False),
        (bind(with_default, {"to": "a"}), {"team": "b"}, False),
        (bind(with_default, {}), {"to": "b"}, True),
        (bind(by_position, {"to": "a"}), {"team": "b"}, True),
        (bind(by_position, ["a"]), {"team": "b"}, True),
        (bind(by_position, ["a"]), "b", True),
        (by_position, {"team": "b"}, True),
        (bind(without, {"to": "a"}), {"team": "b"}, True),
        (without, {"team": "b"}, True),
        (by_keyword, None, False),
    ],
)
def test_stored_arguments_reach_a_newer_handler_in_the_way_that_its_own_do(
    handler: Any, stored: Any, *, is_taken: bool
) -> None:
    assert can_take(handler, stored) is is_taken


HASHED = """
from botstate.ui.handlers import qualified_name
handler = lambda thread, click: click.user in {"U1", "U2", "U3", ("a", "b")}
print(qualified_name(handler))
"""


def test_a_lambda_has_one_name_in_every_process() -> None:
    names = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    (name,) = names
    assert name.startswith("__main__.<lambda>#")


def test_a_lambda_is_known_by_its_constants() -> None:
    def digest(source: str) -> str:
        return qualified_name(eval(f"lambda thread, click: {source}"))

    assert digest("click.user in {'U1', 'U2'}") == digest("click.user in {'U2', 'U1'}")
    assert digest("click.user in {'U1', 'U2'}") != digest("click.user in {'U1', 'U3'}")
    assert digest("click.user in ('U1', 'U2')") != digest("click.user in ('U2', 'U1')")
    assert digest("click.user in ('U1', 'U2')") != digest("click.user in {'U1', 'U2'}")
