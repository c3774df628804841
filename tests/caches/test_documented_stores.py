"""What docs/caches.md shows runs as it is written."""

import re
from pathlib import Path
from typing import Any

import pytest

TEXT = (Path(__file__).parent.parent.parent / "docs" / "caches.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
#: What an example takes as given.
GIVEN = {
    "event_id": "Ev1",
    "request_id": "Ev1",
    "user": "U1",
    "team": "T1",
    "old": "xoxb-1",
    "new": "xoxb-2",
    "message_id": "1.0",
    "channel": "C1",
}


def run(*needles: str) -> dict[str, Any]:
    """Run the examples that have these, one after another, and return their names."""
    names: dict[str, Any] = {**GIVEN}
    for needle in needles:
        (code,) = (example for example in EXAMPLES if needle in example)
        exec(compile(code, "caches.md", "exec"), names)
    return names


@pytest.mark.django_db(transaction=True)
def test_claims() -> None:
    names = run('open_keyed_store("approvals"', "register_if_absent")
    assert names["request"] == {"by": "U1"}
    assert names["approvals"].consume("Ev1") is None


def test_caps() -> None:
    names = run('open_keyed_store("approvals"', 'open_keyed_store("seats"')
    assert (names["recent"].namespace, names["seats"].namespace) == ("recent", "seats")


@pytest.mark.django_db(transaction=True)
def test_retained() -> None:
    names = run('open_keyed_store("approvals"', 'open_keyed_store("tokens"')
    assert names["tokens"].lookup("T1") == "xoxb-2"


@pytest.mark.once
def test_mirrored_caches() -> None:
    (code,) = (example for example in EXAMPLES if "MirroredCache" in example)
    names = run("MirroredCache")
    assert names["cards"].lookup("1.0") is None, "it was consumed"
    names["cards"].register("1.0", {"channel": "C1", "step": 1})
    calls = re.findall(r"^(cards\.\w+\(message_id\)) +# (.*)$", code, re.MULTILINE)
    assert len(calls) == 4
    for call, comment in calls:
        says = eval(comment.removesuffix(": it was consumed"), names)
        assert eval(call, names) == says, call


@pytest.mark.django_db(transaction=True)
def test_settings(settings: Any) -> None:
    settings.BOTSTATE = {**settings.BOTSTATE, **run('"PERSISTENT"')["BOTSTATE"]}
    cards = run("MirroredCache(")["cards"]
    assert cards.is_persistent() is True
    assert cards.close(20), "what it stores behind the caller's back is stored while there is a database"
