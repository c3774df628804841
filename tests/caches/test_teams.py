"""Teams: which activities were sent by us, and when, also after a restart."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from botstate.caches import TeamsSentMessages
from botstate.caches.teams import NAMESPACE
from tests.caches.registry_process import processes
from tests.caches.switching import switched_on

WHERE = ("account", "19:room@thread.tacv2", "1:activity")


@pytest.fixture
def teams() -> Iterator[TeamsSentMessages]:
    made = TeamsSentMessages()
    yield made
    assert made.close()


@pytest.fixture
def persistent(transactional_db: None) -> Iterator[None]:
    with switched_on("teams"):
        yield


@pytest.mark.once
def test_what_we_sent_is_known_with_its_time(teams: TeamsSentMessages) -> None:
    before = datetime.now(UTC)
    teams.record(*WHERE)
    sent_at = teams.sent_at(*WHERE)
    assert teams.was_sent(*WHERE)
    assert sent_at is not None
    assert before <= sent_at <= datetime.now(UTC)


@pytest.mark.once
@pytest.mark.parametrize("other", [("b", WHERE[1], WHERE[2]), (WHERE[0], "b", WHERE[2]), (WHERE[0], WHERE[1], "b")])
def test_accounts_conversations_and_activities_are_apart(teams: TeamsSentMessages, other: tuple[str, str, str]) -> None:
    teams.record(*WHERE)
    assert not teams.was_sent(*other)
    assert teams.sent_at(*other) is None


@pytest.mark.once
def test_no_parts_make_the_key_of_others(teams: TeamsSentMessages) -> None:
    teams.record("a", "1:b", "c")
    assert not teams.was_sent("a1", ":b", "c")
    assert not teams.was_sent("a", "1", ":bc")


@pytest.mark.once
def test_a_thread_of_a_channel_is_the_channel(teams: TeamsSentMessages) -> None:
    account, conversation, activity = WHERE
    teams.record(account, f"{conversation};messageid=1498171086622", activity)
    assert teams.was_sent(*WHERE)
    assert teams.was_sent(account, f" {conversation};messageid=2 ", activity)


@pytest.mark.once
@pytest.mark.parametrize(
    "bad",
    [("", "b", "c"), ("a", " ", "c"), ("a", ";messageid=1", "c"), ("a", "b", ""), ("a", "b", "x" * 301), (1, "b", "c")],
)
def test_bad_ids_are_refused(teams: TeamsSentMessages, bad: Any) -> None:
    for method in (teams.record, teams.was_sent, teams.sent_at):
        with pytest.raises(ValueError, match=r"account|conversation|activity"):
            method(*bad)
    assert teams.cache.status().entries == 0


@pytest.mark.once
def test_it_is_forgotten_after_the_ttl(pass_time: Callable[[float], None]) -> None:
    teams = TeamsSentMessages(ttl=30)
    teams.record(*WHERE)
    assert teams.was_sent(*WHERE)
    pass_time(30)
    assert not teams.was_sent(*WHERE)


@pytest.mark.once
def test_at_most_max_entries_are_kept() -> None:
    teams = TeamsSentMessages(max_entries=2)
    for number in range(3):
        teams.record("account", "conversation", f"activity {number}")
    assert [teams.was_sent("account", "conversation", f"activity {number}") for number in range(3)] == [
        False,
        True,
        True,
    ]


@pytest.mark.once
def test_off_needs_neither_query_nor_thread(teams: TeamsSentMessages) -> None:
    # The test has no access to a database: a query would be an error.
    async def on_a_loop() -> datetime | None:
        await teams.arecord(*WHERE)
        assert await teams.awas_sent(*WHERE)
        return await teams.asent_at(*WHERE)

    assert asyncio.run(on_a_loop()) == teams.sent_at(*WHERE)


def test_a_restart_keeps_the_time(persistent: None, teams: TeamsSentMessages) -> None:
    teams.record(*WHERE)
    sent_at = teams.sent_at(*WHERE)
    teams.cache.forget()
    assert teams.sent_at(*WHERE) == sent_at
    entry = teams.cache.lookup_entry(teams_key())
    assert entry is not None and entry.expires_at is not None and sent_at is not None
    assert abs(entry.created_at - sent_at) < timedelta(minutes=1)
    assert abs(entry.expires_at - sent_at - timedelta(hours=24)) < timedelta(minutes=1), "as of when it was sent"


def test_async_twins_with_a_store(persistent: None, teams: TeamsSentMessages) -> None:
    async def on_a_loop() -> None:
        await teams.arecord(*WHERE)
        teams.cache.forget()
        assert await teams.awas_sent(*WHERE)

    asyncio.run(on_a_loop())


@pytest.mark.parametrize(
    "value",
    [{"version": 2, "value": {"sent_at": "2030-01-01T00:00:00Z"}}, {"version": 1, "value": {}}, {"sent_at": 1}, 7, "x"],
)
def test_what_cannot_be_read_is_absent_and_logged_once(
    persistent: None, teams: TeamsSentMessages, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    teams.cache.register(teams_key(), value)
    with caplog.at_level(logging.WARNING, "botstate.caches"):
        assert not teams.was_sent(*WHERE)
        assert teams.sent_at(*WHERE) is None
    (record,) = caplog.records
    assert NAMESPACE in record.getMessage()
    assert "2030" not in record.getMessage()


@pytest.mark.long
@pytest.mark.processes
def test_another_process_knows_what_was_sent_and_when(persistent: None, teams: TeamsSentMessages) -> None:
    with processes() as (other,):
        other.call("TeamsSentMessages()", "record", *WHERE)
        sent_at = other.call("TeamsSentMessages()", "sent_at", *WHERE)
        other.kill()
    with processes() as (another,):
        assert another.call("TeamsSentMessages()", "sent_at", *WHERE) == sent_at
        assert not another.call("TeamsSentMessages()", "was_sent", "other", *WHERE[1:])
    assert teams.sent_at(*WHERE) == sent_at


def teams_key() -> str:
    return "".join(f"{len(part)}:{part}" for part in WHERE)
