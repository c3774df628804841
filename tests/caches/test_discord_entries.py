"""What is registered can be resolved: ids in one form, and nothing but the models themselves."""

from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

from botstate.caches import ComponentEntry, DiscordComponents, ModalEntry, ModalField
from tests.caches.switching import switched_on

pytestmark = pytest.mark.once

#: What Python and pydantic think of as space, and what only one of them does.
SPACES = [
    "\x1c",
    "\x1d",
    "\x1e",
    "\x1f",
    "\x85",
    "\xa0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u3000",
    "\t\n",
    "\u200b",
    "\ufeff",
]


def button(id: str = "id", **options: Any) -> ComponentEntry:
    return ComponentEntry(id=id, kind="button", label="Press", **options)


def modal(id: str = "id", **options: Any) -> ModalEntry:
    return ModalEntry(id=id, title="Why?", fields=(), **options)


@pytest.fixture
def discord() -> Iterator[DiscordComponents]:
    made = DiscordComponents()
    yield made
    assert made.close()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("shape", ["{}abc", "abc{}", "{0}abc{0}", "a{}bc"])
def test_an_id_with_space_is_found(discord: DiscordComponents, space: str, shape: str) -> None:
    id = shape.format(space)
    discord.register(components=[button(id, allowed_users=[id])], modals=[modal(id)], message_id=id)
    for found in (discord.resolve_component(id), discord.resolve_modal(id)):
        assert found is not None
        assert found.id == id.strip()
        assert found.message_id == id.strip()


@pytest.mark.parametrize("space", SPACES)
def test_every_identifier_has_the_same_form(space: str) -> None:
    text = f"{space}abc"
    trigger = ComponentEntry(id=text, kind="modal-trigger", label="Open", modal_id=text, allowed_users=[text])
    field = ModalField(id=text, name=text, label="Why", type="text")
    assert {trigger.id, trigger.modal_id, *trigger.allowed_users, field.id, field.name} == {text.strip()}


@pytest.mark.parametrize("id", ["", " ", "\x1c", "x" * 101, "\ud800", 5, None])
@pytest.mark.parametrize("make", [button, modal])
def test_a_bad_id_is_refused(make: Callable[[Any], Any], id: Any) -> None:
    with pytest.raises(ValueError, match="id"):
        make(id)


@pytest.mark.parametrize("id", ["x" * 100, " " + "x" * 100 + "\x1c", "😀" * 100])
def test_an_id_of_a_hundred_characters_is_taken(id: str) -> None:
    assert button(id).id == id.strip()


class Coloured(ComponentEntry):
    color: str = "red"


class Plain(ComponentEntry):
    """Nothing more."""


class Sized(ModalEntry):
    size: int = 1


@pytest.mark.parametrize("is_on", [False, True])
@pytest.mark.parametrize("kind", [Coloured, Plain])
def test_a_model_of_ones_own_is_refused_before_anything_is_written(
    transactional_db: None, discord: DiscordComponents, kind: type[ComponentEntry], is_on: bool
) -> None:
    with switched_on("discord") if is_on else switched_on("another"):
        other = kind(id="other", kind="button", label="Press")
        with pytest.raises(ValueError, match=f"must be a ComponentEntry, not {kind.__name__}"):
            discord.register(components=[button("id"), other], modals=[modal("id")])
        with pytest.raises(ValueError, match="must be a ModalEntry, not Sized"):
            discord.register(components=[button("id")], modals=[modal("id"), Sized(id="sized", title="?", fields=())])
        assert discord.resolve_component("id") is None
        assert discord.resolve_modal("id") is None


def test_what_is_wrong_with_an_id_is_said_without_it() -> None:
    with pytest.raises(pydantic.ValidationError) as refused:
        button("secret" * 30)
    assert "1 to 100 characters" in str(refused.value)
    assert "secret" not in str(refused.value)
