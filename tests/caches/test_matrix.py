"""Matrix: what a reaction decides, and for which approval, also after a restart."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botstate.caches import MatrixApprovals, Resolution
from botstate.caches.matrix import Decision
from tests.caches.registry_process import processes
from tests.caches.switching import switched_on

WHERE = ("!room:example.org", "$event")
ALL: list[Decision] = ["allow-once", "allow-always", "deny"]
REACTIONS = [
    ("✅", "allow-once"),
    ("✅\ufe0f", "allow-once"),
    ("♾️", "allow-always"),
    ("♾", "allow-always"),
    ("❌", "deny"),
    ("❌\ufe0e", "deny"),
    ("♾\ufe0e", "allow-always"),
    (" ❌ ", "deny"),
    ("approval.allow_once", "allow-once"),
    ("approval.allow_always", "allow-always"),
    ("approval.deny", "deny"),
]


@pytest.fixture
def matrix() -> Iterator[MatrixApprovals]:
    made = MatrixApprovals()
    yield made
    assert made.close()


@pytest.fixture
def persistent(transactional_db: None) -> Iterator[None]:
    with switched_on("matrix"):
        yield


@pytest.mark.once
@pytest.mark.parametrize(("reaction", "decision"), REACTIONS)
def test_a_reaction_decides(matrix: MatrixApprovals, reaction: str, decision: Decision) -> None:
    matrix.register(*WHERE, "approval", ALL)
    assert matrix.resolve(*WHERE, reaction) == Resolution("approval", decision)
    assert matrix.resolve(*WHERE, reaction) == Resolution("approval", decision), "it is not used up"
    assert matrix.resolve(*WHERE, "") is None


@pytest.mark.once
@pytest.mark.parametrize("decision", ALL)
def test_what_is_not_allowed_decides_nothing(matrix: MatrixApprovals, decision: Decision) -> None:
    matrix.register(*WHERE, "approval", [decision])
    for reaction, meant in REACTIONS:
        expected = Resolution("approval", decision) if meant == decision else None
        assert matrix.resolve(*WHERE, reaction) == expected


@pytest.mark.once
@pytest.mark.parametrize(
    "reaction",
    [
        "",
        " ",
        "👍",
        "allow-once",
        "Allow once",
        "✅✅",
        "\ufe0f",
        None,
        1,
        ["✅"],
        "x" * 5_000,
        "approval\ufe0f.deny",
        "approval.deny\ufe0f",
        "\ufe0f❌",
        "❌\ufe0f\ufe0f",
    ],
)
def test_other_reactions_decide_nothing(matrix: MatrixApprovals, reaction: Any) -> None:
    matrix.register(*WHERE, "approval", ALL)
    assert matrix.resolve(*WHERE, reaction) is None


@pytest.mark.once
def test_rooms_and_events_are_apart(matrix: MatrixApprovals) -> None:
    matrix.register("!a", "1:b", "approval", ALL)
    assert matrix.resolve("!a", "b", "✅") is None
    assert matrix.resolve("!a1", ":b", "✅") is None
    assert matrix.resolve(" !a ", " 1:b ", "✅") is not None


@pytest.mark.once
def test_registering_again_replaces(matrix: MatrixApprovals) -> None:
    matrix.register(*WHERE, "first", ALL)
    matrix.register(*WHERE, "second", ["deny"])
    assert matrix.resolve(*WHERE, "✅") is None
    assert matrix.resolve(*WHERE, "❌") == Resolution("second", "deny")


@pytest.mark.once
def test_what_was_forgotten_decides_nothing(matrix: MatrixApprovals) -> None:
    matrix.register(*WHERE, "approval", ALL)
    assert matrix.delete(*WHERE)
    assert not matrix.delete(*WHERE)
    assert matrix.resolve(*WHERE, "✅") is None


@pytest.mark.once
def test_a_registration_ends_with_its_ttl(matrix: MatrixApprovals, pass_time: Callable[[float], None]) -> None:
    matrix.register(*WHERE, "approval", ALL, ttl="30s")
    pass_time(30)
    assert matrix.resolve(*WHERE, "✅") is None


@pytest.mark.once
def test_the_hint_and_the_bindings_are_in_one_order() -> None:
    assert MatrixApprovals.hint(ALL) == "React here: ✅ Allow once, ♾️ Allow always, ❌ Deny"
    assert MatrixApprovals.hint(["deny", "allow-once", "deny"]) == "React here: ✅ Allow once, ❌ Deny"
    assert [binding.decision for binding in MatrixApprovals.bindings(reversed(ALL))] == ALL


@pytest.mark.once
@pytest.mark.parametrize("allowed", [[], (), "deny", None, ["deny", "perhaps"], [1], [["deny"]]])
def test_unknown_decisions_are_refused(matrix: MatrixApprovals, allowed: Any) -> None:
    for refused in (lambda: matrix.register(*WHERE, "approval", allowed), lambda: matrix.hint(allowed)):
        with pytest.raises(ValueError, match=r"allowed|decision"):
            refused()
    assert matrix.cache.status().entries == 0


@pytest.mark.once
@pytest.mark.parametrize(
    ("room", "event", "approval_id"),
    [("", "e", "a"), ("r", " ", "a"), ("r", "e", ""), ("r" * 301, "e", "a"), (None, "e", "a")],
)
def test_bad_ids_are_refused(matrix: MatrixApprovals, room: Any, event: Any, approval_id: Any) -> None:
    with pytest.raises(ValueError, match=r"room|event|approval_id"):
        matrix.register(room, event, approval_id, ALL)
    if approval_id:
        with pytest.raises(ValueError, match=r"room|event"):
            matrix.resolve(room, event, "✅")
    assert matrix.cache.status().entries == 0


@pytest.mark.once
def test_a_bad_ttl_is_refused(matrix: MatrixApprovals) -> None:
    with pytest.raises(ValueError, match="ttl"):
        matrix.register(*WHERE, "approval", ALL, ttl=0)
    assert matrix.cache.status().entries == 0


def test_async_twins_with_a_store(persistent: None, matrix: MatrixApprovals) -> None:
    async def on_a_loop() -> None:
        await matrix.aregister(*WHERE, "approval", ALL)
        matrix.cache.forget()
        assert await matrix.aresolve(*WHERE, "❌") == Resolution("approval", "deny")
        assert await matrix.adelete(*WHERE)
        matrix.cache.forget()
        assert await matrix.aresolve(*WHERE, "❌") is None

    asyncio.run(on_a_loop())


@pytest.mark.parametrize(
    "value",
    [
        {"version": 2, "value": {"approval_id": "secret", "allowed": ["deny"]}},
        {"version": 1, "value": {"approval_id": "secret", "allowed": ["perhaps"]}},
        {"version": 1, "value": {"approval_id": "secret", "allowed": []}},
        {"version": 1, "value": {"approval_id": "secret"}},
        {"version": 1, "value": {"approval_id": "secret", "allowed": ["deny"], "more": 1}},
        ["secret"],
    ],
)
def test_what_cannot_be_read_is_absent_and_logged_once(
    persistent: None, matrix: MatrixApprovals, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    matrix.cache.register("".join(f"{len(part)}:{part}" for part in WHERE), value)
    with caplog.at_level(logging.WARNING, "botstate.caches"):
        assert matrix.resolve(*WHERE, "❌") is None
        assert matrix.resolve(*WHERE, "❌") is None
    (record,) = caplog.records
    assert "secret" not in record.getMessage()


@pytest.mark.long
@pytest.mark.processes
def test_another_process_knows_what_a_reaction_decides(persistent: None) -> None:
    with processes() as (first,):
        first.call("MatrixApprovals()", "register", *WHERE, "approval", ["allow-always"])
        first.kill()
    with processes(2) as (second, third):
        assert second.call("MatrixApprovals()", "resolve", *WHERE, "♾") == Resolution("approval", "allow-always")
        assert second.call("MatrixApprovals()", "resolve", *WHERE, "❌") is None
        assert second.call("MatrixApprovals()", "delete", *WHERE)
        assert third.call("MatrixApprovals()", "resolve", *WHERE, "♾") is None
