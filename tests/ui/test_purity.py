"""Components that are not pure functions of their props are found in development."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from botstate import bind
from botstate.actions.controls import bind_controls
from botstate.exceptions import ActionError
from botstate.ui import Actions, Button, Component, Message, Section

pytestmark = pytest.mark.once


def approve(thread: Any, click: Any) -> None: ...


@pytest.fixture(autouse=True)
def debug(settings: Any) -> None:
    settings.DEBUG = True


def counting(make: Any) -> Component:
    """Return a component that makes something else each time."""
    numbers = itertools.count()
    return Component("Counter", lambda: make(next(numbers)))


@pytest.mark.parametrize(
    "make",
    [
        Section,
        lambda number: [Section("x")] * number,
        lambda number: Section("x", [Section("y")] * number),
        lambda number: Button("x", value=number),
        lambda number: Button("x", key=f"k{number}"),
        lambda number: Button("x", on_click=bind(approve, [number])),
        lambda number: Button("x", on_click=approve if number % 2 else None),
        lambda number: Button("x", on_click=approve if number % 2 else print),
    ],
)
def test_an_impure_component_is_named(make: Any) -> None:
    with pytest.raises(ActionError, match="'Counter' is not a pure function"):
        bind_controls(Message(counting(make)()))


def test_the_innermost_impure_component_is_named() -> None:
    counter = counting(Section)
    with pytest.raises(ActionError, match="'Counter'"):
        bind_controls(Component("Outer", lambda: Message("x", counter()))())


def test_what_only_the_posted_rendering_has_is_found() -> None:
    once = counting(lambda number: Actions(Button("later" if number else "first", on_click=approve)))
    with pytest.raises(ActionError, match="component 'Counter' or 'Other' is not a pure function"):
        bind_controls([once(), Component("Other", lambda: Section("x"))()])


def test_a_pure_component_passes_with_handlers_made_anew() -> None:
    def card(to: str) -> Iterator[Any]:
        yield Section("Assign?")
        yield Actions(
            Button("Yes", on_click=bind(approve, {"to": to})),
            Button("No", on_click=lambda thread, click: thread.post("No.")),
        )

    assert len(bind_controls(Component("Card", card)(to="a")).controls) == 2


def test_nothing_is_rendered_twice_without_debug(settings: Any) -> None:
    settings.DEBUG = False
    rendered: list[int] = []
    counter = counting(lambda number: (rendered.append(number), Section(number))[1])
    bind_controls(counter())
    assert rendered == [0]
