"""A state that another turn of the thread changes while a turn runs."""

import json
from collections.abc import Callable
from threading import Event
from typing import Any, Literal

import pydantic
import pytest
from django.db import connection

from botstate import Bot
from botstate.exceptions import NotSerializable, StateConflict, StateInvalid
from botstate.models import Delivery, ThreadState, Turn
from botstate.runtime.doorbell import doorbell
from botstate.runtime.worker import run_thread
from tests.runtime.busy import Elsewhere, only_thread, send, statuses
from tests.slack.signing import SlackSender

pytestmark = pytest.mark.django_db(transaction=True)

Handler = Callable[[Any, Any], None]


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda thread_id, delay_s=0.0: None)


class Ticket(pydantic.BaseModel):
    """A ticket whose assignee is gone once it is closed."""

    stage: Literal["open", "closed"] = "open"
    assignee: str = ""

    @pydantic.model_validator(mode="after")
    def check(self) -> "Ticket":
        if self.stage == "closed" and self.assignee:
            raise ValueError("a closed ticket has no assignee")
        return self


class Race:
    """Message "1" is handled by `slow`, which calls `let_others` once it is inside; "2" by `quick` meanwhile."""

    def __init__(self, bot: Bot, slack: SlackSender, slow: Handler, quick: Handler) -> None:
        self._entered, self._go = Event(), Event()
        self._slack = slack
        bot.on_message(lambda thread, message: (slow if message.text == "1" else quick)(thread, message))

    def let_others(self) -> None:
        self._entered.set()
        assert self._go.wait(20)

    def run(self) -> Any:
        """Return the state that is stored in the end."""
        send(self._slack, "1")
        first = Elsewhere(only_thread())
        assert self._entered.wait(20)
        send(self._slack, "2")
        run_thread(only_thread())
        self._go.set()
        first.join()
        return json.loads(ThreadState.objects.get().value)


def test_a_conflict_lets_the_turn_see_what_is_stored_now(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    tried: list[Any] = []

    def count(thread: Any, message: Any) -> None:
        thread.state()
        race.let_others()
        for _ in range(3):
            tried.append((thread.state(), thread.state_version))
            try:
                thread.set_state(n=thread.state().get("n", 0) + 1, expected_version=thread.state_version)
            except StateConflict:
                continue
            return

    bot = make_bot(on_lock_conflict="parallel", atomic_turns=False)
    race = Race(bot, slack, count, lambda thread, message: thread.set_state(n=10))
    assert race.run() == {"n": 11}
    assert tried == [({}, 0), ({"n": 10}, 1)]
    assert statuses() == ["done", "done"]


def test_a_change_that_the_state_cannot_take_any_more_lets_the_turn_see_why(
    make_bot: Callable[..., Bot], slack: SlackSender
) -> None:
    seen: list[Any] = []

    def assign(thread: Any, message: Any) -> None:
        race.let_others()
        with pytest.raises(StateInvalid, match="no assignee"):
            thread.set_state(assignee="ann")
        seen.append(thread.state())
        thread.set_state(stage="open", assignee="ann")

    bot = make_bot(on_lock_conflict="parallel", atomic_turns=False, state=Ticket)
    race = Race(bot, slack, assign, lambda thread, message: thread.set_state(stage="closed"))
    assert race.run() == {"stage": "open", "assignee": "ann"}
    assert seen == [Ticket(stage="closed")]
    assert statuses() == ["done", "done"]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_refused_change_makes_no_later_one_conditional(
    make_bot: Callable[..., Bot], slack: SlackSender, atomic: bool
) -> None:
    def handle(thread: Any, message: Any) -> None:
        with pytest.raises(NotSerializable):
            thread.set_state({"bad": {1, 2}}, expected_version=0)
        thread.set_state(ok=1)
        race.let_others()

    bot = make_bot(on_lock_conflict="parallel", atomic_turns=atomic, max_attempts=1)
    race = Race(bot, slack, handle, lambda thread, message: thread.set_state(other=1))
    assert race.run() == {"ok": 1, "other": 1}
    assert statuses() == ["done", "done"]


def test_a_conditional_change_stays_so_until_it_is_stored(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    def handle(thread: Any, message: Any) -> None:
        thread.set_state(a=1, expected_version=0)
        thread.set_state(b=1)
        race.let_others()

    bot = make_bot(on_lock_conflict="parallel", max_attempts=1)
    race = Race(bot, slack, handle, lambda thread, message: thread.set_state(other=1))
    assert race.run() == {"other": 1}
    assert statuses() == ["dead", "done"]
    assert Turn.objects.earliest("sequence").error_type == "StateConflict"


@pytest.mark.parametrize("atomic", [True, False])
def test_a_function_is_called_again_outside_of_any_transaction(
    make_bot: Callable[..., Bot], slack: SlackSender, atomic: bool
) -> None:
    seen: list[Any] = []

    def add(state: dict[str, int]) -> dict[str, int]:
        seen.append((dict(state), connection.in_atomic_block))
        if not atomic and len(seen) == 1:
            race.let_others()
        return {**state, "n": state.get("n", 0) + 1}

    def handle(thread: Any, message: Any) -> None:
        thread.update_state(add)
        if atomic:
            race.let_others()
        thread.post("done")

    bot = make_bot(on_lock_conflict="parallel", atomic_turns=atomic)
    race = Race(bot, slack, handle, lambda thread, message: thread.set_state(n=10))
    assert race.run() == {"n": 11}
    assert seen == [({}, False), ({"n": 10}, False)]
    assert statuses() == ["done", "done"]
    assert ThreadState.objects.get().version == 2
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("atomic", [True, False])
def test_a_state_that_moves_each_time_is_changed_under_its_lock_in_the_end(
    make_bot: Callable[..., Bot], slack: SlackSender, atomic: bool
) -> None:
    seen: list[Any] = []

    def add(state: dict[str, int]) -> dict[str, int]:
        seen.append((state["n"], connection.in_atomic_block))
        if not connection.in_atomic_block:
            row = ThreadState.objects.get()
            ThreadState.objects.update(value=json.dumps({"n": 10 * row.version}), version=row.version + 1)
        return {"n": state["n"] + 1}

    bot = make_bot(atomic_turns=atomic, max_attempts=1)
    bot.on_message(lambda thread, message: thread.update_state(add) if message.text == "2" else thread.set_state(n=1))
    send(slack, "1")
    run_thread(only_thread())
    send(slack, "2")
    run_thread(only_thread())
    assert statuses() == ["done", "done"]
    assert seen == [(1, False), (10, False), (20, False), (30, False), (40, True)]
    assert json.loads(ThreadState.objects.get().value) == {"n": 41}


@pytest.mark.parametrize("atomic", [True, False])
def test_a_function_that_fails_on_the_newer_state_fails_the_turn(
    make_bot: Callable[..., Bot], slack: SlackSender, atomic: bool
) -> None:
    def add(state: dict[str, int]) -> dict[str, int]:
        if not atomic and not state:
            race.let_others()
        if state:
            raise RuntimeError
        return {"n": 1}

    def handle(thread: Any, message: Any) -> None:
        thread.update_state(add)
        race.let_others()

    bot = make_bot(on_lock_conflict="parallel", atomic_turns=atomic, max_attempts=1)
    race = Race(bot, slack, handle, lambda thread, message: thread.set_state(n=10))
    assert race.run() == {"n": 10}
    assert statuses() == ["dead", "done"]
    assert Turn.objects.earliest("sequence").error_type == "RuntimeError"


@pytest.mark.parametrize("change", ["set_state", "replace_state"])
def test_what_is_done_later_to_a_value_is_not_stored(
    make_bot: Callable[..., Bot], slack: SlackSender, change: str
) -> None:
    def handle(thread: Any, message: Any) -> None:
        value = {"items": [1]}
        getattr(thread, change)(value)
        race.let_others()
        value["items"].append(2)
        value["more"] = []

    race = Race(make_bot(on_lock_conflict="parallel"), slack, handle, lambda thread, message: thread.set_state(other=1))
    assert race.run()["items"] == [1]
    assert "more" not in json.loads(ThreadState.objects.get().value)


def test_a_refused_change_does_not_make_a_default_anew(make_bot: Callable[..., Bot], slack: SlackSender) -> None:
    made = iter(range(10))

    class Made(pydantic.BaseModel):
        number: int = pydantic.Field(default_factory=lambda: next(made))

    read: list[int] = []
    bot = make_bot(atomic_turns=False, state=Made)

    @bot.on_message
    def handle(thread: Any, message: Any) -> None:
        read.append(thread.state().number)
        with pytest.raises(StateConflict):
            thread.set_state(number=7, expected_version=3)
        read.append(thread.state().number)

    send(slack, "1")
    run_thread(only_thread())
    assert statuses() == ["done"]
    assert read[0] == read[1]
