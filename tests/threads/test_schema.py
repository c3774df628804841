"""Typed state: valid or not stored."""

import datetime
import enum
import math
from typing import Any, Literal

import pydantic
import pytest

from botstate.exceptions import BotStateMisconfigured, NotSerializable, StateConflict, StateInvalid
from botstate.threads.buffer import StateBuffer, StoredState
from botstate.threads.schema import StateSchema

pytestmark = pytest.mark.once


class Mood(enum.StrEnum):
    CALM = "calm"


class Flow(pydantic.BaseModel):
    stage: Literal["triage", "assigned"] = "triage"
    assignee: str | None = None
    due: datetime.datetime | None = None
    mood: Mood = Mood.CALM
    anything: Any = None


NOTHING_STORED = StoredState(None, 0)


def buffer(stored: StoredState = NOTHING_STORED, model: Any = Flow) -> StateBuffer:
    return StateBuffer(StateSchema(model), stored)


def test_a_thread_without_state_reads_as_the_models_defaults() -> None:
    assert buffer().read() == Flow()
    assert not buffer().is_changed


def test_a_patch_replaces_its_fields_and_keeps_the_others() -> None:
    state = buffer()
    state.patch({"stage": "assigned"})
    state.patch({"assignee": "ann"})
    assert state.read() == Flow(stage="assigned", assignee="ann")
    assert state.is_changed


@pytest.mark.parametrize("patch", [{"stage": "nowhere"}, {"assignee": 7}, {"stgae": "assigned"}, {"due": "soon"}])
def test_an_invalid_patch_raises_and_changes_nothing(patch: dict[str, Any]) -> None:
    state = buffer()
    with pytest.raises(StateInvalid) as caught:
        state.patch(patch)
    assert caught.value.errors[0]["loc"] == (next(iter(patch)),)
    assert state.read() == Flow()
    assert not state.is_changed


def test_the_error_holds_no_input() -> None:
    with pytest.raises(StateInvalid) as caught:
        buffer().patch({"stage": "a secret"})
    assert "a secret" not in str(caught.value) + repr(caught.value.errors)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, 10**4300, "\ud800", (1, 2), {1}, Mood.CALM],
    ids=["nan", "inf", "digits", "surrogate", "tuple", "set", "enum"],
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises((NotSerializable, StateInvalid)):
        buffer().patch({"anything": value})


@pytest.mark.parametrize("value", [2**70, 1e16, -0.0, 1.0, 1, "", "\0", None, {"b": 1, "a": [True]}])
def test_json_in_equal_json_out(value: Any) -> None:
    state = buffer()
    state.patch({"anything": value})
    stored = state.result_on(StoredState(None, 0))
    read = buffer(StoredState(stored, 1)).read().anything
    assert (read, type(read), str(read)) == (value, type(value), str(value))


def test_rich_types_survive_the_text() -> None:
    state = buffer()
    due = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    state.patch({"due": due, "mood": Mood.CALM})
    assert buffer(StoredState(state.result_on(StoredState(None, 0)), 1)).read() == Flow(due=due)


def test_patches_are_made_again_on_a_state_that_moved_on() -> None:
    state = buffer()
    state.patch({"stage": "assigned"})
    moved_on = buffer()
    moved_on.patch({"assignee": "ann"})
    newer = StoredState(moved_on.result_on(StoredState(None, 0)), 1)
    assert StateSchema(Flow).load(state.result_on(newer)) == Flow(stage="assigned", assignee="ann")


class Rich(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", strict=True)
    user_name: str = pydantic.Field(default="", alias="userName")
    due: datetime.datetime | None = None
    tags: list[str] = []
    flow: Flow = Flow()


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("verb", ["patch", "replace", "update"])
def test_a_change_is_what_it_was_when_it_was_made(verb: str, *, is_stored: bool) -> None:
    due = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    given: dict[str, Any] = {"userName": "ann", "due": due, "tags": ["a"], "flow": Flow(), "extra": [2**70, 1.0]}
    state = buffer(StoredState("{}", 1) if is_stored else NOTHING_STORED, Rich)
    getattr(state, verb)(given if verb != "update" else lambda _: given)
    if verb != "update":
        given["tags"].append("b")
        given["flow"].stage = "assigned"
        given["extra"].append(3)
        given["userName"] = "bob"
    newer = StoredState('{"tags":["other"],"further":true}', 2)
    expected = {"user_name": "ann", "due": due, "tags": ["a"], "flow": Flow().model_dump(), "extra": [2**70, 1.0]}
    for _ in range(2):
        text = state.result_on(newer)
        assert text is not None
        stored = StateSchema(Rich).load(text)
        assert stored.model_dump() == expected | ({"further": True} if verb == "patch" else {})
        assert state.read().model_dump() == expected


def test_a_function_that_changes_what_it_gets_may_be_called_again() -> None:
    state = buffer(model=None)

    def add(read: Any) -> Any:
        read["items"].append(2)
        return read

    state.patch({"items": [1]})
    state.update(add)
    state.patch({"other": [1]})
    newer = StoredState('{"further":true}', 1)
    assert [state.result_on(newer) for _ in range(2)] == ['{"further":true,"items":[1,2],"other":[1]}'] * 2


def test_what_follows_a_replacement_is_not_made_again() -> None:
    called: list[Any] = []
    state = buffer(model=None)
    state.replace({"items": [1]})
    state.update(lambda read: called.append(read) or {**read, "n": len(called)})
    assert state.result_on(StoredState('{"further":true}', 1)) == '{"items":[1],"n":1}'


def test_a_state_that_no_longer_fits_says_so_and_can_be_replaced() -> None:
    unreadable = StoredState('{"stage":"gone"}', 3)
    state = buffer(unreadable)
    with pytest.raises(StateInvalid, match="stage"):
        state.read()
    state.replace(Flow(stage="assigned"))
    assert state.read() == Flow(stage="assigned")
    assert StateSchema(Flow).load(state.result_on(StoredState('{"stage":"also gone"}', 4))).stage == "assigned"


def test_new_fields_of_a_changed_schema_take_their_defaults() -> None:
    assert buffer(StoredState('{"stage":"assigned"}', 1)).read() == Flow(stage="assigned")


def test_update_gets_the_state_and_replaces_it() -> None:
    state = buffer()
    state.update(lambda flow: flow.model_copy(update={"assignee": "bob"}))
    assert state.read().assignee == "bob"


def test_an_update_that_breaks_the_model_is_refused() -> None:
    with pytest.raises(StateInvalid):
        buffer().update(lambda flow: flow.model_copy(update={"stage": "nowhere"}))


def test_an_unexpected_version_is_a_conflict() -> None:
    state = buffer(StoredState("{}", 3))
    state.expect_version(3)
    with pytest.raises(StateConflict, match="version 3, not 2"):
        state.expect_version(2)


def test_reading_gives_a_copy() -> None:
    state = buffer(StoredState('{"anything":[1]}', 1))
    state.read().anything.append(2)
    assert state.read().anything == [1]


def test_without_a_model_the_state_is_any_json_object() -> None:
    state = buffer(model=None)
    assert state.read() == {}
    state.patch({"a": [1, {"b": None}]})
    assert state.read() == {"a": [1, {"b": None}]}
    with pytest.raises(NotSerializable, match="state"):
        state.patch({"c": {1}})
    with pytest.raises(StateInvalid):
        state.replace([1])


def test_a_strict_model_reads_back_what_it_wrote() -> None:
    class Strict(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(strict=True)
        day: datetime.date = datetime.date(2026, 1, 1)

    state = buffer(model=Strict)
    state.patch({"day": datetime.date(2026, 2, 2)})
    assert state.read().day == datetime.date(2026, 2, 2)


def test_aliases_may_be_used_and_extras_where_the_model_allows_them() -> None:
    class Aliased(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        user_name: str = pydantic.Field(default="", alias="userName")

    state = buffer(model=Aliased)
    state.patch({"userName": "ann", "other": 1})
    state.patch({"user_name": "bob"})
    assert state.read().model_dump() == {"user_name": "bob", "other": 1}


def test_a_state_must_be_a_model_class() -> None:
    with pytest.raises(BotStateMisconfigured, match="pydantic"):
        StateSchema(dict)  # type: ignore[arg-type]


def test_a_field_that_would_be_lost_is_refused() -> None:
    class Excluding(pydantic.BaseModel):
        token: str = pydantic.Field(default="", exclude=True)

    with pytest.raises(NotSerializable, match="'token'"):
        buffer(model=Excluding).patch({"token": "abc"})


@pytest.mark.parametrize("value", [object(), b"\xff"])
def test_what_pydantic_cannot_write_is_refused_in_our_words(value: Any) -> None:
    with pytest.raises(NotSerializable):
        buffer().patch({"anything": value})


def test_models_that_could_not_be_patched_are_refused_at_once() -> None:
    class Clash(pydantic.BaseModel):
        a: int = pydantic.Field(default=1, alias="b")
        b: int = pydantic.Field(default=2, alias="a")

    with pytest.raises(BotStateMisconfigured, match="alias"):
        StateSchema(Clash)
    with pytest.raises(BotStateMisconfigured, match="RootModel"):
        StateSchema(pydantic.RootModel[int])


def test_a_default_that_is_made_anew_reads_the_same_throughout_a_turn() -> None:
    made = iter(range(10))

    class Made(pydantic.BaseModel):
        number: int = pydantic.Field(default_factory=lambda: next(made))
        other: int = 0

    state = buffer(model=Made)
    number = state.read().number
    state.patch({"other": 1})
    assert state.read().number == number


def test_the_first_patch_may_give_fields_that_have_no_default() -> None:
    class Required(pydantic.BaseModel):
        name: str
        age: int = 0

    state = buffer(model=Required)
    with pytest.raises(StateInvalid, match="name"):
        state.patch({"age": 1})
    state.patch({"name": "ann"})
    state.patch({"age": 2})
    assert state.read() == Required(name="ann", age=2)
