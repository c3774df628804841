"""`python -m botproject.demo [--var DIR]`: play the story; the exit code is 1 if a check failed.

Needs no server, no account and no environment variable. It uses SQLite in a directory of its own, or the database
that DATABASE_URL names; there it deletes nothing: each run is another Slack workspace.
"""

import argparse
import io
import os
import secrets
import shutil
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

import django
from django.core.management import call_command

from botproject.demo.slack_api import SlackWebApi
from botproject.demo.slack_client import SlackClient
from botproject.demo.slack_workspace import SlackWorkspace
from botproject.demo.stage import PROJECT, Stage
from botproject.demo.timeline import Timeline
from botproject.demo.waiting import StoryEnded

DEFAULT_VAR = PROJECT / ".demo"
#: Is in every directory that the demo made, and so may empty.
MARKER = ".botstate-demo"
#: The story needs the broker to be a folder, and nothing of it goes through a proxy.
IGNORED_VARIABLES = ("CELERY_BROKER_URL", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
INTERRUPTED = 130


def main() -> int:
    """Play the story and return the exit code: 0, 1 where something failed, 130 where it was interrupted."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    var = _parse_arguments()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    timeline = Timeline()
    try:
        _empty(var)
        _set_up_django(var)
        _play(var, timeline)
    except KeyboardInterrupt:
        timeline.note("\n  Interrupted; every process that was started is gone.")
        return INTERRUPTED
    except Exception as error:
        _fail(timeline, error)
    timeline.verdict()
    return 1 if timeline.failures else 0


def _play(var: Path, timeline: Timeline) -> None:
    # Models cannot be imported before Django is set up.
    from botproject.demo import report  # noqa: PLC0415
    from botproject.demo.story import Story  # noqa: PLC0415

    workspace = SlackWorkspace()
    secret, token = secrets.token_hex(16), f"xoxb-{secrets.token_hex(12)}"
    place = f"{report.database_name()}, files in {report.shown_path(var)}/"
    timeline.note(f"botstate's demo: Slack, played over HTTP. {place}\n")
    call_command("migrate", verbosity=0, interactive=False)
    timeline.event("demo", "the database is migrated")
    with SlackWebApi(token, team=workspace.team, app=workspace.app, bot_user=workspace.bot_user) as api:
        timeline.event("slack", f"a Web API of its own answers on {api.url}")
        environment = {"SLACK_SIGNING_SECRET": secret, "SLACK_BOT_TOKEN": token, "SLACK_API_URL": api.url}
        with Stage(var, environment, timeline) as stage:
            story = Story(stage, api, SlackClient(stage.port, secret), workspace, timeline)
            try:
                story.play()
            except Exception as error:
                _fail(timeline, error)
            if timeline.failures:
                _print_logs(timeline, stage)
            report.print_stored(timeline, story.stored)
    report.print_admin_hint(timeline, var)


def _fail(timeline: Timeline, error: Exception) -> None:
    """Say what ended the story, and where, if it is not one of the story's own endings."""
    if isinstance(error, StoryEnded):
        timeline.fail(str(error))
    else:
        message = str(error).partition("\n")[0]
        timeline.fail(f"{type(error).__name__}: {message}", *traceback.format_exc().splitlines())


def _print_logs(timeline: Timeline, stage: Stage) -> None:
    for name, lines in stage.log_tails():
        timeline.heading(f"The end of {name}")
        for line in lines:
            timeline.note(line)


def _parse_arguments() -> Path:
    parser = argparse.ArgumentParser(
        prog="python -m botproject.demo", description="Play Slack, and check what happens."
    )
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="where files go; emptied first (default: .demo)")
    var: Path = parser.parse_args().var.resolve()
    is_ours = var == DEFAULT_VAR or (var / MARKER).exists() or not var.exists() or not any(var.iterdir())
    if not is_ours:
        parser.error(f"{var} has files in it that no demo has put there")
    return var


def _empty(var: Path) -> None:
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir(parents=True)
    (var / MARKER).touch()


def _set_up_django(var: Path) -> None:
    for name in IGNORED_VARIABLES:
        os.environ.pop(name, None)
    os.environ |= {"BOTPROJECT_VAR": str(var), "DJANGO_SETTINGS_MODULE": "botproject.settings"}
    django.setup()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as on Ctrl-C, so that no process is left behind."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
