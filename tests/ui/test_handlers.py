"""Bound handlers and how handlers are called."""

from typing import Any

import pytest

from botstate import bind
from botstate.ui.handlers import call_arguments, qualified_name

pytestmark = pytest.mark.once


def by_keyword(thread: Any, click: Any, to: str) -> None: ...


def by_position(thread: Any, click: Any, args: Any) -> None: ...


def without(thread: Any, click: Any) -> None: ...


def with_anything(thread: Any, click: Any, **args: Any) -> None: ...


@pytest.mark.parametrize(
    ("handler", "args", "expected"),
    [
        (by_keyword, {"to": "on-call"}, (("t", "c"), {"to": "on-call"})),
        (with_anything, {"to": 1, "cc": 2}, (("t", "c"), {"to": 1, "cc": 2})),
        (by_position, {"to": "on-call"}, (("t", "c", {"to": "on-call"}), {})),
        (by_position, ["on-call"], (("t", "c", ["on-call"]), {})),
        (without, {"to": "on-call"}, (("t", "c"), {})),
        (without, None, (("t", "c"), {})),
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
