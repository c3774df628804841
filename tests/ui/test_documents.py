"""The examples of docs/components.md work."""

import re
from pathlib import Path
from typing import Any

import pytest

from botstate import Bot, bind, ui
from botstate.actions.controls import bind_controls
from botstate.platforms.slack.render import render, render_modal
from tests.slack.block_kit import problems_of_message

pytestmark = pytest.mark.once

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "components.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)


def handler(thread: Any, event: Any, to: str = "") -> None: ...


NAMES = {
    **{name: getattr(ui, name) for name in ui.__all__},
    **dict.fromkeys(("approve", "assign", "tag", "comment", "filed", "dismissed"), handler),
    "bind": bind,
}


@pytest.mark.parametrize("code", [code for code in EXAMPLES if not code.startswith(("@", "def"))])
def test_an_example_renders(code: str) -> None:
    (node,) = bind_controls(eval(code, dict(NAMES))).nodes
    if node["type"] == "modal":
        assert render_modal(node)["blocks"]
    else:
        message = render([node])
        assert code.startswith("raw") or problems_of_message(message) == []


def test_the_component_of_the_document_has_its_controls(make_bot: Any) -> None:
    (code,) = (code for code in EXAMPLES if code.startswith("@"))
    bot: Bot = make_bot("helper")
    names = {**NAMES, "bot": bot}
    exec(code, names)
    assert [control.identity for control in bind_controls(names["Card"](ticket_id=7)).controls] == [
        {"key": "approve"},
        {"key": "assign"},
    ]
    assert len(EXAMPLES) >= 6
