"""What the documents show runs as it is written."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from botstate import store
from botstate.keyed import open_keyed_store

DOCS = Path(__file__).parent.parent / "docs"


def examples(document: str) -> list[str]:
    """Return the blocks of Python in a document."""
    return re.findall(r"```python\n(.*?)```", (DOCS / document).read_text(), re.DOTALL)


@pytest.mark.django_db
def test_the_calls_of_the_stores_document_do_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (block for block in examples("stores.md") if "store.kv.set" in block)
    names: dict[str, object] = {"__name__": "documented"}
    exec(compile(code, "stores.md", "exec"), names)
    assert int(capsys.readouterr().out) > 0, "the lock's fence"
    assert names["token"] is not None and names["claim"] is not None
    assert (store.kv.get("k"), store.list.range("k")) == (None, [1])
    assert store.dedup.check("a job") == store.dedup.check("an event") == "done"
    assert store.queue.depth("k") == 0
    assert store.lock.acquire("k") is not None


@pytest.mark.django_db
def test_the_pages_of_the_caches_document_are_those_of_a_month() -> None:
    (code,) = (block for block in examples("caches.md") if "entries_in_range" in block)
    at = datetime(2026, 11, 5, tzinfo=UTC)
    names = {"open_keyed_store": open_keyed_store, "at": at, "event_id": "e1", "user": "U1"}
    other_month = open_keyed_store("audit")
    other_month.register("2026-12-01 e2", {"by": "U2"})
    exec(compile(code, "caches.md", "exec"), names)
    assert names["page"] == [], "the first page has all of the month"
    assert [entry.key for entry in other_month.entries()] == ["2026-12-01 e2", "2026-11-05 e1"]


@pytest.mark.once
def test_every_example_of_the_stores_document_is_python() -> None:
    blocks = examples("stores.md")
    assert blocks
    for block in blocks:
        compile(block, "stores.md", "exec")
