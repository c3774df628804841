"""Handlers' own records are read back as attempts."""

from pathlib import Path

import pytest

from soak.records import note, read_attempts

pytestmark = pytest.mark.once


def test_a_handler_that_ended_and_one_that_was_killed(tmp_path: Path) -> None:
    note(tmp_path, "start", "001-001", 1, superseded=False)
    note(tmp_path, "start", "001-001", 2, superseded=False)
    note(tmp_path, "end", "001-001", 2, superseded=True)
    killed, ended = read_attempts(tmp_path)
    assert (killed.attempt, killed.ended) == (1, None)
    assert (ended.attempt, ended.superseded) == (2, True)
    assert ended.ended is not None
    assert killed.started < ended.started < ended.ended


def test_no_record_is_no_attempt(tmp_path: Path) -> None:
    assert read_attempts(tmp_path) == []
