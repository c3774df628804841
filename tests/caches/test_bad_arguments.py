"""What every registry says of a bad argument."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from botstate.caches import (
    ComponentEntry,
    DiscordComponents,
    InboundDedup,
    MatrixApprovals,
    SlackThreadParticipation,
    TeamsSentMessages,
)
from botstate.exceptions import BadArgument

pytestmark = pytest.mark.once

ENTRY = ComponentEntry(id="a", kind="button", label="A")
TWO: Any = [ENTRY, ENTRY]
NONE: Any = []

CALLS: dict[str, tuple[str, Callable[[], object]]] = {
    "slack record": ("record", lambda: SlackThreadParticipation().record("", "T", "C", "1")),
    "slack ask": ("has_participated", lambda: SlackThreadParticipation().has_participated("a", "T", "C", "")),
    "teams record": ("record", lambda: TeamsSentMessages().record("a", ";x", "1")),
    "teams ask": ("sent_at", lambda: TeamsSentMessages().was_sent("a", "c", " ")),
    "matrix register, event": ("register", lambda: MatrixApprovals().register("r", "", "a", ["deny"])),
    "matrix register, approval": ("register", lambda: MatrixApprovals().register("r", "e", "", ["deny"])),
    "matrix register, none": ("register", lambda: MatrixApprovals().register("r", "e", "a", NONE)),
    "matrix register, ttl": ("register", lambda: MatrixApprovals().register("r", "e", "a", ["deny"], ttl=0)),
    "matrix resolve": ("resolve", lambda: MatrixApprovals().resolve("", "e", "✅")),
    "matrix delete": ("delete", lambda: MatrixApprovals().delete("", "e")),
    "matrix bindings": ("bindings", lambda: MatrixApprovals.bindings(NONE)),
    "matrix hint": ("hint", lambda: MatrixApprovals.hint(["perhaps"])),  # type: ignore[list-item]
    "discord register, twice": ("register", lambda: DiscordComponents().register(TWO)),
    "discord register, ttl": ("register", lambda: DiscordComponents().register([ENTRY], ttl="never")),
    "discord register, message": ("register", lambda: DiscordComponents().register([ENTRY], message_id="")),
    "discord component": ("resolve_component", lambda: DiscordComponents().resolve_component("x" * 101)),
    "discord modal": ("resolve_modal", lambda: DiscordComponents().resolve_modal("")),
    "inbound": ("inbound", lambda: InboundDedup("tests", "inbound", lease=0)),
    "inbound claim": ("claim", lambda: InboundDedup("tests", "inbound").claim("")),
    "inbound commit": ("commit", lambda: InboundDedup("tests", "inbound").commit("x" * 513, "0" * 32)),
    "inbound release": ("release", lambda: InboundDedup("tests", "inbound").release("", "0" * 32)),
    "inbound check": ("check", lambda: InboundDedup("tests", "inbound").check("")),
    "slack record, twin": ("record", lambda: wait(SlackThreadParticipation().arecord("", "T", "C", "1"))),
    "inbound claim, twin": ("claim", lambda: wait(InboundDedup("tests", "inbound").aclaim(""))),
    "discord modal, twin": ("resolve_modal", lambda: wait(DiscordComponents().aresolve_modal(""))),
}


def wait(call: Awaitable[Any]) -> object:
    async def on_a_loop() -> object:
        return await call

    return asyncio.run(on_a_loop())


@pytest.mark.parametrize("case", CALLS)
def test_it_has_a_code_and_names_the_operation(case: str) -> None:
    operation, call = CALLS[case]
    with pytest.raises(BadArgument) as raised:
        call()
    assert (raised.value.code, raised.value.operation) == ("bad_argument", operation)
