"""A handler may call its thread from several threads of the process at once."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

from botstate.runtime.journal import BufferedJournal
from botstate.runtime.posts import Post
from botstate.threads.buffer import StateBuffer, StoredState
from botstate.threads.schema import StateSchema

pytestmark = pytest.mark.once

THREADS = 20
EACH = 10


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def at_once(call: Callable[[int], Any]) -> None:
    """Call it from several threads, with the numbers that they share out among them."""
    barrier = threading.Barrier(THREADS)

    def work(first: int) -> None:
        barrier.wait(20)
        for number in range(first, first + EACH):
            call(number)

    threads = [threading.Thread(target=work, args=(number * EACH,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def buffer(model: Any = None) -> StateBuffer:
    return StateBuffer(StateSchema(model), StoredState(None, 0))


def test_no_patch_is_lost() -> None:
    state = buffer()
    at_once(lambda number: state.patch({str(number): number}))
    assert len(state.read()) == THREADS * EACH


def test_no_update_is_lost() -> None:
    state = buffer()
    at_once(lambda number: state.update(lambda read: {"sum": read.get("sum", 0) + number}))
    assert state.read() == {"sum": sum(range(THREADS * EACH))}


def test_a_function_that_updates_the_state_may_read_it() -> None:
    state = buffer()
    state.patch({"a": 1})
    state.update(lambda read: {**read, "b": state.read()["a"]})
    assert state.read() == {"a": 1, "b": 1}


def test_all_read_the_same_default() -> None:
    made = iter(range(1_000_000))
    read: list[int] = []

    class Made(pydantic.BaseModel):
        number: int = pydantic.Field(default_factory=lambda: next(made))

    state = buffer(Made)
    at_once(lambda number: read.append(state.read().number))
    assert len(set(read)) == 1


def test_every_post_has_a_position_of_its_own_and_they_are_kept_in_order() -> None:
    journal = BufferedJournal(1, buffer())
    taken: list[int] = []

    def make(position: int) -> Post:
        taken.append(position)
        return Post(position, "post", {}, [])

    handles: list[Any] = []
    at_once(lambda number: handles.append(journal.add(make)))
    assert taken == list(range(THREADS * EACH))
    assert len(set(handles)) == THREADS * EACH
