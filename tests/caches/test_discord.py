"""Discord: components and modals, consumed once, also after a restart."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from botstate.caches import ComponentEntry, DiscordComponents, ModalEntry, ModalField, Option
from tests.caches.registry_process import processes
from tests.caches.switching import switched_on

BUTTON = ComponentEntry(
    id="b", kind="button", label="Go", allowed_users=["U1", "U2"], session="s", agent="a", account="x"
)
SELECT = ComponentEntry(
    id="s", kind="select", label="Pick", select_type="string", options=[Option(value="1", label="One")], reusable=True
)
TRIGGER = ComponentEntry(id="t", kind="modal-trigger", label="Open", modal_id="m")
MODAL = ModalEntry(
    id="m",
    title="Form",
    fields=[
        ModalField(id="f1", name="why", label="Why", type="text", required=True, style="paragraph", max_length=100),
        ModalField(id="f2", name="who", label="Who", type="select", options=[Option(value="1", label="One")]),
    ],
)


@pytest.fixture
def discord() -> Iterator[DiscordComponents]:
    made = DiscordComponents()
    yield made
    assert made.close()


@pytest.fixture
def persistent(transactional_db: None) -> Iterator[None]:
    with switched_on("discord"):
        yield


def register_all(discord: DiscordComponents, **options: Any) -> None:
    discord.register(components=[BUTTON, SELECT, TRIGGER], modals=[MODAL], message_id="M1", **options)


def told(entry: ComponentEntry | ModalEntry | None) -> Any:
    """Return an entry without what its registration added."""
    assert entry is not None
    return entry.model_copy(update={"message_id": None, "created_at": None, "expires_at": None})


@pytest.mark.once
def test_what_is_registered_is_resolved_as_it_was(discord: DiscordComponents) -> None:
    before = datetime.now(UTC)
    register_all(discord)
    button = discord.resolve_component("b", consume=False)
    assert told(button) == BUTTON
    assert button is not None and button.created_at is not None and button.expires_at is not None
    assert button.message_id == "M1"
    assert before <= button.created_at <= datetime.now(UTC)
    assert button.expires_at - button.created_at == timedelta(minutes=30)
    assert told(discord.resolve_modal("m", consume=False)) == MODAL


@pytest.mark.once
def test_an_entry_is_consumed_once_and_its_siblings_stay(discord: DiscordComponents) -> None:
    register_all(discord)
    assert told(discord.resolve_component("t")) == TRIGGER
    assert discord.resolve_component("t") is None
    assert told(discord.resolve_component("b")) == BUTTON
    assert discord.resolve_component("b", consume=False) is None
    assert told(discord.resolve_modal("m")) == MODAL
    assert discord.resolve_modal("m") is None


@pytest.mark.once
def test_what_is_reusable_is_not_consumed(discord: DiscordComponents) -> None:
    register_all(discord)
    discord.register(modals=[MODAL.model_copy(update={"reusable": True})], message_id="M2")
    for _ in range(3):
        assert told(discord.resolve_component("s")) == SELECT
        assert discord.resolve_modal("m") is not None


@pytest.mark.once
def test_components_and_modals_are_apart(discord: DiscordComponents) -> None:
    discord.register([BUTTON.model_copy(update={"id": "same"})], [MODAL.model_copy(update={"id": "same"})])
    assert isinstance(discord.resolve_component("same"), ComponentEntry)
    assert isinstance(discord.resolve_modal("same"), ModalEntry)


@pytest.mark.once
def test_the_message_of_an_entry_stays_where_none_is_given(discord: DiscordComponents) -> None:
    discord.register([BUTTON.model_copy(update={"message_id": "own"})])
    entry = discord.resolve_component("b")
    assert entry is not None and entry.message_id == "own"


@pytest.mark.once
def test_entries_end_with_their_ttl(discord: DiscordComponents, pass_time: Callable[[float], None]) -> None:
    register_all(discord, ttl="30s")
    pass_time(30)
    assert discord.resolve_component("b") is None
    assert discord.resolve_modal("m") is None


@pytest.mark.once
@pytest.mark.parametrize(
    "bad",
    [
        {"id": ""},
        {"id": " "},
        {"id": "x" * 101},
        {"id": 7},
        {"kind": "link"},
        {"kind": "select"},
        {"kind": "modal-trigger"},
        {"modal_id": "m"},
        {"select_type": "user"},
        {"options": [{"value": "1", "label": "One"}]},
        {"kind": "select", "select_type": "string"},
        {"kind": "select", "select_type": "user", "options": [{"value": "1", "label": "One"}]},
        {"allowed_users": "U1"},
        {"allowed_users": [""]},
        {"created_at": datetime(2030, 1, 1)},
        {"label": "\ud800"},
        {"style": "primary"},
    ],
)
def test_bad_components_cannot_be_made(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ComponentEntry"):
        ComponentEntry(**({"id": "b", "kind": "button", "label": "secret"} | bad))


@pytest.mark.once
def test_entries_cannot_be_changed_and_errors_do_not_quote() -> None:
    with pytest.raises(ValueError, match="frozen"):
        BUTTON.label = "other"  # type: ignore[misc]
    assert hash(BUTTON) == hash(BUTTON.model_copy())
    with pytest.raises(ValueError) as caught:
        ModalEntry(id="m", title="t", fields=[{"id": "f", "name": "n", "label": "l", "type": "top secret"}])  # type: ignore[list-item]
    assert "secret" not in str(caught.value)


@pytest.mark.once
@pytest.mark.parametrize(
    "bad",
    [
        {"components": [BUTTON, BUTTON]},
        {"components": [BUTTON], "modals": [MODAL, MODAL]},
        {"components": [BUTTON, MODAL]},
        {"components": [BUTTON], "modals": [{"id": "m"}]},
        {"components": [BUTTON], "modals": None},
        {"components": [BUTTON], "message_id": ""},
        {"components": [BUTTON], "ttl": 0},
        {"components": [BUTTON], "ttl": "soon"},
        {"components": [BUTTON, SELECT.model_copy(update={"options": (Option(value="v", label="l" * 4_000),) * 300})]},
    ],
)
def test_of_bad_entries_none_is_registered(discord: DiscordComponents, bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        discord.register(**bad)
    with pytest.raises(ValueError, match=r".+"):
        asyncio.run(discord.aregister(**bad))
    assert discord.components.status().entries == discord.modals.status().entries == 0


@pytest.mark.once
@pytest.mark.parametrize("bad", ["", " ", "x" * 101, None, 7])
def test_bad_ids_are_refused(discord: DiscordComponents, bad: Any) -> None:
    with pytest.raises(ValueError, match="component"):
        discord.resolve_component(bad)
    with pytest.raises(ValueError, match="modal"):
        discord.resolve_modal(bad, consume=False)


def test_async_twins_with_a_store(persistent: None, discord: DiscordComponents) -> None:
    async def on_a_loop() -> None:
        await discord.aregister([BUTTON, SELECT], [MODAL], message_id="M1")
        discord.components.forget()
        discord.modals.forget()
        assert told(await discord.aresolve_component("b", consume=False)) == BUTTON
        assert told(await discord.aresolve_component("b")) == BUTTON
        assert await discord.aresolve_component("b") is None
        assert told(await discord.aresolve_component("s")) == SELECT
        assert told(await discord.aresolve_component("s")) == SELECT
        assert told(await discord.aresolve_modal("m")) == MODAL
        assert await discord.aresolve_modal("m") is None

    asyncio.run(on_a_loop())


@pytest.mark.parametrize(
    "value",
    [
        {"version": 2, "value": {"id": "b", "kind": "button", "label": "secret"}},
        {"version": 1, "value": {"id": "b", "kind": "link", "label": "secret"}},
        {"version": 1, "value": {"id": "b", "kind": "button", "label": "secret", "more": 1}},
        {"id": "b", "kind": "button", "label": "secret"},
        "secret",
    ],
)
def test_what_cannot_be_read_is_absent_and_logged_once(
    persistent: None, discord: DiscordComponents, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    discord.components.register("b", value)
    with caplog.at_level(logging.WARNING, "botstate.caches"):
        assert discord.resolve_component("b", consume=False) is None
        assert discord.resolve_component("b") is None
    (record,) = caplog.records
    assert "secret" not in record.getMessage()
    assert discord.components.lookup("b") == value, "a process that can read it may still do so"


@pytest.mark.long
@pytest.mark.processes
def test_one_of_two_other_processes_consumes_what_a_third_registered(persistent: None) -> None:
    made_by = "DiscordComponents()"
    with processes() as (first,):
        first.call(made_by, "register", [BUTTON, SELECT, TRIGGER], [MODAL], message_id="M1")
        first.kill()
    with processes(2) as (second, third):
        for process in (second, third):
            assert told(process.call(made_by, "resolve_component", "b", consume=False)) == BUTTON
        for process in (second, third):
            process.order("call", made_by, "resolve_component", ("b",), {})
        consumed = [process.answer() for process in (second, third)]
        assert sorted(entry is None for entry in consumed) == [False, True]
        assert told(second.call(made_by, "resolve_modal", "m")) == MODAL
        assert third.call(made_by, "resolve_modal", "m") is None
        for process in (second, third):
            assert told(process.call(made_by, "resolve_component", "s")) == SELECT
