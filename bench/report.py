"""The tables that a person reads, and which budgets do not hold."""

import statistics

from bench import budgets
from bench.budgets import Budget
from bench.measuring import PROCESSES, THREADS, Result
from bench.tables import figure, table
from bench.verdicts import Verdicts

Results = dict[str, Result]


class Report(Verdicts):
    """Prints a store's tables; remembers what did not hold."""

    def print_store(self, store: str, results: Results) -> None:
        """Print one caller's times, with those of the floor."""
        rows = []
        for name, result in results.items():
            ratio = result.ours.ratio_to(result.floor) if result.floor else None
            rows.append(
                [
                    name,
                    figure(result.ours.median, 1),
                    figure(result.ours.p99, 1),
                    figure(statistics.median(result.throughput["threads"])),
                    self.judged(store, f"{name}, statements", result.statements, budgets.of_statements(store, name), 0),
                    figure(result.floor.median if result.floor else None, 1),
                    self.judged(store, f"{name}, to the floor", ratio, budgets.to_floor(store, name)),
                ]
            )
        heads = ["operation", "median µs", "p99 µs", f"{THREADS} threads, /s", "statements", "floor µs", "to the floor"]
        print(table(heads, rows))
        for name, result in results.items():
            if result.wal_records is not None:
                self.judged(store, f"{name}, WAL records", result.wal_records, Budget(0))
                print(f"\n{name}: {result.wal_records} WAL records (at most 0).")

    def print_peers(self, store: str, results: Results) -> None:
        """Print one caller's times, with those of the peers."""
        results = {name: result for name, result in results.items() if result.peers}
        if not results:
            return
        peers = list(next(iter(results.values())).peers)
        rows = []
        for name, result in results.items():
            row = [name, figure(result.ours.median, 1)]
            for peer in peers:
                ratio = result.ours.ratio_to(result.peers[peer])
                counted = result.peers_statements[peer] if store == "postgresql" else None
                row += [
                    figure(result.peers[peer].median, 1),
                    figure(counted, 0),
                    self.judged(store, f"{name}, to {peer}", ratio, budgets.to_peer(store, peer, name)),
                ]
            rows.append(row)
        heads = ["one caller", "median µs"]
        for peer in peers:
            heads += [f"{peer} µs", f"{peer} statements", f"to {peer}"]
        print("\n" + table(heads, rows))

    def print_throughput(self, store: str, results: Results) -> None:
        """Print what eight callers get done in a second."""
        results = {name: result for name, result in results.items() if result.peers}
        if not results:
            return
        peers = list(next(iter(results.values())).peers)
        rows = []
        for name, result in results.items():
            row = [name, *(figure(statistics.median(result.throughput[who])) for who in ("threads", "processes"))]
            for peer in peers:
                row.append(figure(statistics.median(result.throughput[peer])))
                for who, budget in (
                    ("threads", budgets.of_threads(store, peer, name)),
                    ("processes", budgets.of_processes(store, peer)),
                ):
                    pairs = zip(result.throughput[who], result.throughput[peer], strict=True)
                    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
                    row.append(self.judged(store, f"{name}, {who} to {peer}", ratio, budget))
            rows.append(row)
        heads = [f"{THREADS} callers, calls/s", "one process", f"{PROCESSES} processes"]
        for peer in peers:
            heads += [peer, f"one to {peer}", f"{PROCESSES} to {peer}"]
        print("\n" + table(heads, rows))

    def print_growth(
        self, what: str, store: str, rows: list[tuple[str, float, float, float]], few: int, many: int
    ) -> None:
        """Print how times grow."""
        budget = Budget(budgets.FLATNESS)
        shown = [
            [name, figure(before, 1), figure(after, 1), self.judged(store, f"{name}, {what} grows", ratio, budget)]
            for name, before, after, ratio in rows
        ]
        print("\n" + table([what, f"{few:,}: µs", f"{many:,}: µs", "growth"], shown))
