"""`make demo`, as somebody runs it who has nothing but this project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.once, pytest.mark.processes]

PROJECT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 120


def run_demo(var: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    ours = ("BOTPROJECT_VAR", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "-m", "botproject.demo", "--var", str(var)],
        cwd=PROJECT,
        env=inherited | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )


def test_the_story_holds(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "var")

    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "✓ accepted within Slack's 3 s",
        "✓ both are stored, with the props {'ticket_id': 7, 'amount': 12.5}",
        "✓ not one of these processes is left",
        "✓ that is what Approve's handler says",
        "✓ no handler ran: the same state, no other message",
        "✓ no second turn: receipts 3, threads 1, turns 3, as before",
        "✓ nothing is stored: receipts 3, threads 1, turns 3, as before",
        "✓ beat rang again, and the bot answered",
        "✓ four events, four turns, one thread",
        "    stage       'resolved'",
        "manage.py createsuperuser",
    ):
        assert line in done.stdout
    assert "✗" not in done.stdout
    assert done.stderr == ""


def test_a_failed_check_is_shown_with_the_logs(tmp_path: Path) -> None:
    # gunicorn gives the site, and only the site, another secret than the one that events are signed with.
    done = run_demo(tmp_path / "var", GUNICORN_CMD_ARGS="--env SLACK_SIGNING_SECRET=another")

    assert done.returncode == 1
    assert "✗ accepted within Slack's 3 s" in done.stdout
    assert "got      '401, in time'" in done.stdout
    assert "The end of site-1.log" in done.stdout
    assert "refused a request to /slack/events" in done.stdout
    assert "2 failed, 0 held" in done.stdout


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")

    done = run_demo(tmp_path)

    assert done.returncode == 2
    assert "has files in it that no demo has put there" in done.stderr
    assert (tmp_path / "thesis.txt").exists()
