"""What the README shows works."""

import re
from pathlib import Path

import pytest

from botstate.runtime.registry import bots

README = (Path(__file__).parent.parent / "README.md").read_text()

pytestmark = pytest.mark.once


def test_the_bot_of_the_readme_is_a_bot() -> None:
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "bots.py" in block)
    before = bots.get("support")
    bots.remove("support")
    try:
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
        made = bots.get("support")
        assert made is not None
        assert list(made.components) == ["Card"]
    finally:
        bots.remove("support")
        if before is not None:
            bots.add(before)


def test_the_documents_that_the_readme_names_exist() -> None:
    root = Path(__file__).parent.parent
    names = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)
    assert names
    assert [name for name in names if not (root / name).exists()] == []
