"""`python -m soak`: real servers and processes, killed and stopped at random moments, and a count of what went wrong.

Every combination of a database server and a broker has servers of its own. The seed, which is printed, decides the
events, their times and the faults. The exit code is 1 if a promise was broken.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from soak.combinations import COMBINATIONS
from soak.interruption import heed_once
from soak.results import Result, results_table

#: How long a run may take to start its servers, and to stop them once it was told to end.
START_WITHIN_S = 240
END_WITHIN_S = 60
INTERRUPTED = 130


def main() -> int:
    """Run every combination that can be run, and print the table."""
    arguments = _arguments()
    heed_once()
    print(f"== seed {arguments.seed}: {arguments.events} events over {arguments.threads} threads", flush=True)
    results, failures, skipped = [], [], []
    for name in arguments.combination or COMBINATIONS:
        problem = COMBINATIONS[name].problem()
        if problem:
            skipped.append(f"{COMBINATIONS[name].name}: {problem}")
            continue
        print(f"\n== {COMBINATIONS[name].name}", flush=True)
        result = _run(name, arguments)
        if result is None:
            failures.append(COMBINATIONS[name].name)
        else:
            results.append(result)
    print(f"\n== seed {arguments.seed}\n\n{results_table(results)}\n")
    for name in failures:
        print(f"== Not run to its end: {name}")
    for what in skipped or ["nothing."]:
        print(f"== Skipped: {what}")
    return 0 if not failures and all(result.holds for result in results) else 1


def _run(name: str, arguments: argparse.Namespace) -> Result | None:
    """Run one combination in a process of its own; None if it did not come to its end.

    Its files stay where a promise was broken, for whoever looks for the reason.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"soak-{name}-"))
    command = [sys.executable, "-m", "soak.one", name, str(directory)]
    for option in ("events", "threads", "seed", "minutes"):
        command += [f"--{option}", str(getattr(arguments, option))]
    # In a session of its own it hears of an interruption once, from here, and takes down what it started.
    process = subprocess.Popen(command, start_new_session=True)
    try:
        process.wait(arguments.minutes * 60 + START_WITHIN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired) as error:
        process.send_signal(signal.SIGINT)
        process.wait(END_WITHIN_S)
        if isinstance(error, KeyboardInterrupt):
            shutil.rmtree(directory, ignore_errors=True)
            raise
    file = directory / "result.json"
    result = Result(**json.loads(file.read_text())) if file.exists() else None
    if result is None or not result.holds:
        print(f"its files are in {directory}", flush=True)
    else:
        shutil.rmtree(directory, ignore_errors=True)
    if result is not None:
        _print_result(result)
    return result


def _print_result(result: Result) -> None:
    lines = [*result.notes, *result.details]
    if result.accepted != result.planned:
        lines.append(f"only {result.accepted} of {result.planned} events were answered with 200 in time")
    if result.unfinished:
        lines.append(f"not done when time was up: {result.unfinished}")
    for line in lines:
        print(f"- {line}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--events", type=int, default=500, help="500 by default")
    parser.add_argument("--threads", type=int, default=25, help="25 by default")
    parser.add_argument("--seed", type=int, help="a new one by default")
    parser.add_argument("--combination", action="append", choices=COMBINATIONS, help="all by default")
    parser.add_argument("--minutes", type=float, default=6, help="at most so long for each combination; 6 by default")
    arguments = parser.parse_args()
    if not 1 <= arguments.threads <= arguments.events or arguments.minutes <= 0:
        parser.error("--events must be at least --threads, which must be at least 1; --minutes must be more than 0")
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    return arguments


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("== Interrupted; everything that was started has ended.")
        sys.exit(INTERRUPTED)
