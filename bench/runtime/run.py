"""The runtime's benchmarks, one after another."""

import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import databases
from bench.runtime.scratch import Scratch, scratch

EMPTY = "empty"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(run: str, rounds: int) -> None:
    """Measure everything and print it; nothing that was started or made is left, however it ends."""
    for server in ("postgresql", "redis"):
        problem = databases.problem_with(server)
        if problem is not None:
            print(f"\n== runtime: left out, {server} does not answer: {problem}", flush=True)
            return
    print(f"\n== runtime: {databases.version_of('postgresql')}; {databases.version_of('redis')}", flush=True)
    begun = time.monotonic()
    for number in _SIGNALS:
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="botstate-bench-") as folder, scratch(run, f"{folder}/marks") as made:
        _measure(made, Path(folder), rounds)
    print(f"\n({time.monotonic() - begun:.0f} s)", flush=True)


def _measure(made: Scratch, folder: Path, rounds: int) -> None:
    # Django must have been set up.
    from bench.runtime.report import RuntimeReport  # noqa: PLC0415
    from bench.runtime.statements import count_statements  # noqa: PLC0415
    from bench.runtime.throughput import measure_throughput  # noqa: PLC0415
    from bench.runtime.wakeup import measure_wakeup  # noqa: PLC0415
    from bench.runtime.webhooks import measure_webhooks  # noqa: PLC0415

    report = RuntimeReport()
    made.keep(EMPTY)
    report.print_webhooks(measure_webhooks(rounds, folder))
    made.restore(EMPTY)
    report.print_statements(count_statements())
    made.restore(EMPTY)
    report.print_wakeup(measure_wakeup(folder))
    made.restore(EMPTY)
    report.print_throughput(measure_throughput(rounds, made, folder))
    report.print_failures()


def _end(number: int, _: object) -> None:
    # A second one must not keep what was started from being ended.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
