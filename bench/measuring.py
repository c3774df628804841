"""Measuring one store: every operation, interleaved with its floor and the peers."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import databases
from bench.contestants import Child, InProcess, Together
from bench.floors import Floor, check_twins
from bench.operations import KEYED, OPERATIONS, OURS_ONLY
from bench.statements import ServerCount, wal_records
from bench.stores import close_connection, make_floor, make_store
from bench.timing import CALLS, Contestant, Times, measure, measure_throughput

THREADS = 8
PROCESSES = 2
DRIVER = Path(__file__).parent / "peers" / "driver.mjs"
PEERS_OF = ("postgresql", "redis")


@dataclass
class Result:
    """What was measured of one operation; peers by name."""

    ours: Times
    floor: Times | None = None
    statements: float | None = None
    wal_records: int | None = None
    peers: dict[str, Times] = field(default_factory=dict)
    peers_statements: dict[str, float] = field(default_factory=dict)
    #: Calls per second by round: "threads", "processes", and each peer's.
    throughput: dict[str, list[float]] = field(default_factory=dict)


def peers_at_hand() -> list[str]:
    """Return the peers that can be run: CopilotKit's stores only where BENCH_CK says where they are."""
    return ["ck", "vc"] if "BENCH_CK" in os.environ else ["vc"]


def measure_store(store: str, run: str, rounds: int, peers: list[str], only: str = "") -> Iterator[tuple[str, Result]]:
    """Yield each operation whose name has `only` in it, with its result."""
    with _contestants(store, run, peers if store in PEERS_OF else []) as (one, floor, threads, pair, children, count):
        for name in OPERATIONS:
            if only not in name or (name in KEYED and one.store.keyed is None):
                continue
            taking_part = {} if name in OURS_ONLY else children
            result = _measure_one_caller(name, rounds, one, floor, taking_part)
            if count is not None and count.is_available:
                result.statements = count.statements(OPERATIONS[name](one.store, THREADS + 1))
            if floor is not None and store == "postgresql" and name.endswith(", repeat"):
                result.wal_records = wal_records(databases.url_of_postgresql(run, "floor"), floor.last_steps()[-1])
            many: dict[str, Contestant] = {"threads": threads}
            if pair is not None and taking_part:
                many |= {"processes": pair}
            many |= taking_part
            # The memory store and Redis are done with a hundred calls before the threads have begun.
            calls = 1_000 if store == "memory" else 150
            measured = measure_throughput(name, [(each, THREADS) for each in many.values()], rounds, calls)
            result.throughput = dict(zip(many, measured, strict=True))
            yield name, result
    if floor is not None and store in databases.SQL_STORES:
        check_twins(f"{store}_recorder", f"{store}_floor")


def _measure_one_caller(name: str, rounds: int, one: InProcess, floor: Floor | None, peers: dict[str, Child]) -> Result:
    contestants: list[Contestant] = [one, *([floor] if floor else []), *peers.values()]
    ours, *others = measure(name, contestants, rounds)
    result = Result(ours)
    if floor is not None:
        result.floor, result.statements = others.pop(0), floor.statements
    for (peer, child), times in zip(peers.items(), others, strict=True):
        result.peers[peer] = times
        child.prepare(name, 1, CALLS)
        result.peers_statements[peer] = child.statements()
        child.finish()
    return result


@contextmanager
def _contestants(
    store: str, run: str, peers: list[str]
) -> Iterator[tuple[InProcess, Floor | None, InProcess, Together | None, dict[str, Child], ServerCount | None]]:
    with ExitStack() as stack:

        def child(*command: str, **environment: str) -> Child:
            made = Child(command, env={**os.environ, **environment})
            stack.callback(made.close)
            return made

        ours = make_store(store, "ours")
        # Apart from the one caller's keys; the same tables.
        shared = make_store(store, "ours", namespace="bench-threads")
        threads = InProcess(shared, THREADS, lambda: close_connection(store, "ours"))
        stack.callback(threads.close)
        children, pair, count = {}, None, None
        if peers:
            share = str(THREADS // PROCESSES)
            pair = Together([child(sys.executable, "-m", "bench.worker", run, store, share) for _ in range(PROCESSES)])
            url = databases.REDIS_URL if store == "redis" else databases.url_of_postgresql(run, "peers")
            # In the environment, as it may hold a password.
            node = ("node", "--expose-gc", str(DRIVER))
            children = {peer: child(*node, peer, store, BENCH_URL=url) for peer in peers}
        if store == "postgresql":
            count = ServerCount(run)
            stack.callback(count.close)
        yield InProcess(ours), make_floor(store, run), threads, pair, children, count
