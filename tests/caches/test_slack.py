"""Slack: the threads in which the bot has spoken, also after a restart; for its use see test_participation."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from botstate.caches import SlackThreadParticipation
from botstate.keyed import open_keyed_store
from botstate.stores import MemoryStore
from tests.caches.registry_process import processes
from tests.caches.switching import switched_on

WHERE = ("support", "T111", "C111", "1595926230.009600")


@pytest.fixture
def spoken() -> Iterator[SlackThreadParticipation]:
    made = SlackThreadParticipation()
    yield made
    assert made.cache.close()


@pytest.fixture
def persistent(transactional_db: None) -> Iterator[None]:
    with switched_on("slack"):
        yield


@pytest.mark.once
def test_a_thread_is_known_once_the_bot_has_spoken_there(spoken: SlackThreadParticipation) -> None:
    assert not spoken.has_participated(*WHERE)
    spoken.record(*WHERE)
    assert spoken.has_participated(*WHERE)


@pytest.mark.once
@pytest.mark.parametrize("part", range(4))
def test_accounts_teams_channels_and_threads_are_apart(spoken: SlackThreadParticipation, part: int) -> None:
    spoken.record(*WHERE)
    other = [*WHERE]
    other[part] += "0"
    assert not spoken.has_participated(*other)


@pytest.mark.once
def test_parts_that_read_alike_together_are_apart(spoken: SlackThreadParticipation) -> None:
    spoken.record("a", "b:c", "d", "e")
    spoken.record('a","b', "c", "d", "e")
    assert not spoken.has_participated("a", "b", "c:d", "e")
    assert not spoken.has_participated("a", 'b","c', "d", "e")


@pytest.mark.once
@pytest.mark.parametrize("bad", ["", "x" * 201, None, 7, "\ud800"])
@pytest.mark.parametrize("part", range(4))
def test_bad_parts_are_refused_by_name(spoken: SlackThreadParticipation, part: int, bad: Any) -> None:
    where: list[Any] = [*WHERE]
    where[part] = bad
    for call in (spoken.record, spoken.has_participated):
        with pytest.raises(ValueError, match=("account", "team", "channel", "thread_ts")[part]):
            call(*where)


@pytest.mark.once
@pytest.mark.parametrize("letter", ["é", "机", "😀", '"', "\x00", "7"])
def test_every_text_of_two_hundred_characters_is_taken(spoken: SlackThreadParticipation, letter: str) -> None:
    where = [letter * 200] * 4
    spoken.record(*where)
    assert spoken.has_participated(*where)
    assert not spoken.has_participated(*where[:3], letter * 199)


@pytest.mark.once
def test_five_thousand_are_in_memory(spoken: SlackThreadParticipation) -> None:
    for number in range(5_001):
        spoken.record("support", "T111", "C111", str(number))
    assert spoken.cache.status().entries == 5_000
    assert not spoken.has_participated("support", "T111", "C111", "0")
    assert spoken.has_participated("support", "T111", "C111", "5000")


@pytest.mark.long
def test_a_thousand_are_persisted_by_default(persistent: None, spoken: SlackThreadParticipation) -> None:
    entries = open_keyed_store("slack.thread-participation")
    for number in range(999):
        entries.register(f"earlier {number}", True)
    spoken.record(*WHERE)
    assert entries.count() == 1_000
    spoken.record(*WHERE[:3], "2.0")
    assert entries.count() == 1_000
    assert entries.lookup("earlier 0") is None
    assert all(entry.expires_at is None for entry in entries.entries())


@pytest.mark.usefixtures("persistent")
def test_its_store_is_the_one_that_it_is_given() -> None:
    store = MemoryStore()
    spoken = SlackThreadParticipation(max_entries=10, max_persisted=2, store=store)
    for number in range(3):
        spoken.record(*WHERE[:3], str(number))
    assert open_keyed_store("slack.thread-participation", store=store).count() == 2
    assert spoken.close()


def test_a_restart_forgets_nothing(persistent: None, spoken: SlackThreadParticipation) -> None:
    spoken.record(*WHERE)
    spoken.forget()
    assert spoken.has_participated(*WHERE)
    assert spoken.cache.peek("7:support4:T1114:C11117:1595926230.009600") is True, "memory has it again"


def test_async_twins(persistent: None, spoken: SlackThreadParticipation) -> None:
    async def on_a_loop() -> None:
        await spoken.arecord(*WHERE)
        spoken.forget()
        assert await spoken.ahas_participated(*WHERE)

    asyncio.run(on_a_loop())


@pytest.mark.long
@pytest.mark.processes
def test_another_process_knows_where_the_bot_has_spoken(persistent: None, spoken: SlackThreadParticipation) -> None:
    with processes() as (other,):
        other.call("SlackThreadParticipation()", "record", *WHERE)
        other.kill()
    with processes() as (another,):
        assert another.call("SlackThreadParticipation()", "has_participated", *WHERE)
        assert not another.call("SlackThreadParticipation()", "has_participated", "support", "T222", *WHERE[2:])
    assert spoken.has_participated(*WHERE)
