"""`python -m bench`: every store's times; with --peers those of others, with --flat whether they grow.

With --runtime, those of webhooks and workers instead; with --rendering, those of messages; with --caches, of caches.
"""

import argparse
import os
import platform
import sys
import time
from typing import TYPE_CHECKING

from bench import caches, databases, rendering
from bench.runtime import run as runtime

if TYPE_CHECKING:
    from bench.report import Report


def main() -> int:
    """Measure what the arguments name, and print tables."""
    arguments = _arguments()
    run = f"{os.getpid()}"
    print(f"== {_machine()}")
    if arguments.runtime:
        runtime.run(run, arguments.rounds)
        return 0
    if arguments.rendering:
        rendering.run(arguments.rounds)
        return 0
    if arguments.caches:
        caches.run(arguments.rounds)
        return 0
    databases.configure(run)
    created: list[tuple[str, str]] = []
    try:
        _measure(arguments, run, created)
    finally:
        databases.drop_all(run, created)
    return 0


def _measure(arguments: argparse.Namespace, run: str, created: list[tuple[str, str]]) -> None:
    # Django must have been set up.
    from bench.report import Report  # noqa: PLC0415

    report = Report()
    for store in arguments.stores:
        problem = databases.problem_with(store)
        if problem is not None:
            print(f"\n== {store}: left out, it does not answer: {problem}", flush=True)
            continue
        print(f"\n== {store}: {databases.version_of(store)}", flush=True)
        begun = time.monotonic()
        if store == "redis":
            databases.drop_keys()
        try:
            for role in _roles(arguments):
                created.append((store, role))
                databases.create(store, run, role)
            if arguments.flat:
                _grow(report, store)
            else:
                _time(report, store, run, arguments)
        finally:
            if store == "redis":
                databases.drop_keys()
        print(f"\n({time.monotonic() - begun:.0f} s)", flush=True)
    report.print_failures()


def _roles(arguments: argparse.Namespace) -> tuple[str, ...]:
    return ("small", "large") if arguments.flat else ("ours", "recorder", "floor", "peers")


def _time(report: "Report", store: str, run: str, arguments: argparse.Namespace) -> None:
    from bench.measuring import measure_store, peers_at_hand  # noqa: PLC0415

    peers = peers_at_hand() if arguments.peers else []
    results = dict(measure_store(store, run, arguments.rounds, peers, arguments.only))
    report.print_store(store, results)
    report.print_peers(store, results)
    report.print_throughput(store, results)


def _grow(report: "Report", store: str) -> None:
    from bench import flatness, placing  # noqa: PLC0415
    from bench.stores import make_store  # noqa: PLC0415

    small, large = (make_store(store, role) for role in ("small", "large"))
    if store in databases.SQL_STORES:
        flatness.fill(f"{store}_small", flatness.FEW_ROWS)
        flatness.fill(f"{store}_large", flatness.MANY_ROWS)
        sessions = [f"{store}_{role}" for role in ("small", "large")] if store == "postgresql" else []
        with placing.sessions_apart(*sessions):
            rows = list(flatness.growth_with_rows(small, large))
        report.print_growth("rows in each table", store, rows, flatness.FEW_ROWS, flatness.MANY_ROWS)
    rows = list(flatness.growth_with_depth(small))
    report.print_growth("depth of the key's own", store, rows, flatness.SHALLOW, flatness.DEEP)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores shared by clients and servers, {memory:.0f} GiB; {platform.system()}"
        f" {platform.machine()}; Python {platform.python_version()}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("stores", nargs="*", metavar="STORE", help=f"of {', '.join(databases.STORES)}; all by default")
    parser.add_argument("--peers", action="store_true", help="time the peers too (make bench-peers installs them)")
    parser.add_argument("--flat", action="store_true", help="time few and many rows, and small and great depths")
    parser.add_argument("--runtime", action="store_true", help="time webhooks and workers, and no store")
    parser.add_argument("--rendering", action="store_true", help="time messages made into Block Kit, and no store")
    parser.add_argument("--caches", action="store_true", help="time lookups in the memory of caches, and no store")
    parser.add_argument("--rounds", type=int, default=3, help="3 by default")
    parser.add_argument("--only", default="", help="operations whose name has this in it")
    arguments = parser.parse_args()
    unknown = set(arguments.stores) - set(databases.STORES)
    if unknown:
        parser.error(f"no such store: {', '.join(sorted(unknown))}")
    arguments.stores = arguments.stores or list(databases.STORES)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
