"""One combination's run, in a process of its own, because Django knows its database from the beginning."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import django

from soak.combinations import COMBINATIONS, Combination
from soak.crew import ROOT, WorkerKind
from soak.interruption import heed_once

KINDS = (
    WorkerKind("prefork", beat=True),
    WorkerKind("threads", 4, acks_late=True),
    WorkerKind("prefork", acks_late=True),
    WorkerKind("threads", 4),
)
#: How long events are sent and faults happen.
SEND_S = 75.0
#: Longer than the bots' leases.
SLOW_MS = 3_000


def main() -> int:
    """Run it and write the figures; 0 if there are some, whatever they say."""
    arguments = _arguments()
    combination = COMBINATIONS[arguments.combination]
    directory: Path = arguments.directory
    heed_once()
    with ServersOf(combination, directory) as servers:
        _migrate(servers.database.url, directory)
        result = _run(combination, arguments, servers)
    (directory / "result.json").write_text(json.dumps(result))
    return 0


class ServersOf:
    """The combination's servers: they run within a with block, and are gone after it."""

    def __init__(self, combination: Combination, directory: Path) -> None:
        self.database = combination.database(directory)
        self.broker = combination.broker(directory)

    def __enter__(self) -> "ServersOf":
        try:
            self.broker.start()
            self.database.start()
            self.broker.wait()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        try:
            self.broker.close()
        finally:
            self.database.close()


def _migrate(database_url: str, directory: Path) -> None:
    os.environ |= {
        "DATABASE_URL": database_url,
        "BOTPROJECT_VAR": str(directory),
        "DJANGO_SETTINGS_MODULE": "soak.settings",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)


def _run(combination: Combination, arguments: argparse.Namespace, servers: ServersOf) -> dict:
    django.setup()
    # Django must have been set up.
    from soak.judging import judge  # noqa: PLC0415
    from soak.run import Plan, perform  # noqa: PLC0415

    plan = Plan(
        seed=arguments.seed,
        events=arguments.events,
        threads=arguments.threads,
        send_s=min(SEND_S, arguments.minutes * 30),
        deadline_s=arguments.minutes * 60,
        kinds=KINDS,
        slow_ms=SLOW_MS,
    )
    begun = time.monotonic()
    outcome = perform(
        plan,
        arguments.directory,
        database_url=servers.database.url,
        broker=servers.broker,
        database=servers.database,
    )
    for name, lines in (("faults", outcome.log), ("answers", outcome.answers.log)):
        (arguments.directory / name).write_text("".join(f"{line}\n" for line in lines))
    return judge(combination.name, outcome, time.monotonic() - begun).to_json()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak.one")
    parser.add_argument("combination", choices=COMBINATIONS)
    parser.add_argument("directory", type=Path)
    for name, kind in (("events", int), ("threads", int), ("seed", int), ("minutes", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(1)
