"""What docs/registries.md shows works."""

import re
from pathlib import Path
from typing import Any

import pytest

TEXT = (Path(__file__).parent.parent.parent / "docs" / "registries.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)

pytestmark = pytest.mark.once


def run(needle: str) -> dict[str, Any]:
    """Run the one example that has `needle`, and return its names."""
    (code,) = (example for example in EXAMPLES if needle in example)
    names: dict[str, Any] = {}
    exec(compile(code, "registries.md", "exec"), names)
    return names


def test_slack() -> None:
    names = run("SlackThreadParticipation()")
    assert names["spoken"].has_participated("support", "T111", "C111", "1595926230.009600")


def test_discord() -> None:
    names = run("DiscordComponents()")
    assert names["clicked"].allowed_users == ("U1",)
    assert names["discord"].resolve_component("btn_1") is None
    assert names["discord"].resolve_modal("mdl_1").fields[0].name == "why"


def test_teams() -> None:
    names = run("TeamsSentMessages()")
    assert names["sent"].was_sent("account", "19:room@thread.tacv2;messageid=1498171086622", "1:activity")


def test_matrix() -> None:
    names = run("MatrixApprovals()")
    assert f"# {names['text']}\n" in TEXT
    assert names["approvals"].resolve("!room:example.org", "$event", "✅") is None, "it was deleted"


def test_inbound() -> None:
    names = run("InboundDedup(")
    assert names["inbound"].check("Ev1") == "done"
